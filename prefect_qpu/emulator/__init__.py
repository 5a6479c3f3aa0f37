"""A local service that speaks the IBM Quantum REST protocol over Aer: devices with noise, a queue, users and faults.

`prefect_qpu.emulator.serve` starts it and tells the environment variables that point a client at it.
"""
