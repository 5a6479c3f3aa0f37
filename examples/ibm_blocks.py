"""Save the blocks of an IBM Quantum account under the name `default`, from the variables of IBM's own client.

QISKIT_IBM_TOKEN is the API key, QISKIT_IBM_INSTANCE the CRN or name of the instance. QISKIT_IBM_URL is needed only
where another service answers, such as `prefect-qpu emulator`. The first argument names the backend; without one, the
least busy backend is taken.
"""

import os
import sys

from prefect_qpu.blocks import IBMQuantumBackend, IBMQuantumCredentials

credentials = IBMQuantumCredentials(
    api_key=os.environ["QISKIT_IBM_TOKEN"],
    instance=os.environ["QISKIT_IBM_INSTANCE"],
    url=os.environ.get("QISKIT_IBM_URL"),
)
credentials.save("default", overwrite=True)
backend = sys.argv[1] if len(sys.argv) > 1 else None
IBMQuantumBackend(credentials=credentials, backend=backend).save("default", overwrite=True)
print("saved ibm-quantum-credentials/default and ibm-quantum-backend/default")
