import prefect_qpu


def test_the_public_names_are_these_and_all_of_them_load() -> None:
    assert prefect_qpu.__all__ == [
        "Calibration",
        "Experiment",
        "InputError",
        "QpuError",
        "RecordStore",
        "Run",
        "RunSummary",
        "__version__",
        "open_run",
        "read_experiment",
    ]
    assert all(getattr(prefect_qpu, name) is not None for name in prefect_qpu.__all__)
    assert set(prefect_qpu.__all__) <= set(dir(prefect_qpu))


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(prefect_qpu, "nothing")
