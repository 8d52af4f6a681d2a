"""Shards of LAION and CLIP Benchmark as sets to measure: pools for retrieval, batches for zero-shot classification."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from backends.core.errors import BadInput
from evaluation.datasets.base import DatasetMissing
from evaluation.datasets.clip_benchmark import ClipBenchmark
from evaluation.datasets.laion import LaionPools
from evaluation.datasets.webdataset import index_shard, read_pictures


def picture(shade: int, kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, shade, shade)).save(file, kind)
    return file.getvalue()


def write_tar(path: Path, members: Mapping[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_pools_of_laion_keep_pictures_beside_their_captions(tmp_path: Path) -> None:
    for shard in range(2):
        keys = [f"0000{shard}{number:04d}" for number in range(3)]
        members = {}
        for number, key in enumerate(keys):
            members |= {f"{key}.jpg": picture(10 * number + shard), f"{key}.txt": f"caption {shard} {number}".encode()}
        members["000009999.txt"] = b"a caption without a picture"
        write_tar(tmp_path / f"0000{shard}.tar", members)
    first, second = LaionPools(tmp_path, pool=3).units()
    assert (first.id, first.group) == ("000000000 to 000000002", "00000")
    sample = second.load()
    assert sample.inputs["captions"] == ["caption 1 0", "caption 1 1", "caption 1 2"]
    assert sample.inputs["queries"] == [picture(1), picture(11), picture(21)]
    assert sample.reference.tolist() == [0, 1, 2]
    assert len(list(LaionPools(tmp_path, pool=4).units())) == 1  # a pool that is not full is no pool
    with pytest.raises(BadInput, match="two pictures"):
        LaionPools(tmp_path, pool=1)


def test_listing_a_shard_reads_no_picture(tmp_path: Path) -> None:
    write_tar(tmp_path / "0.tar", {"a.jpg": picture(7), "a.json": b"{ damaged"})
    (entry,) = index_shard(str(tmp_path / "0.tar"))
    assert entry.about == {} and entry.captions == []
    assert read_pictures([entry]) == [picture(7)]


def test_a_classification_set_of_clip_benchmark(tmp_path: Path) -> None:
    (tmp_path / "classnames.txt").write_text("cat\ndog\n")
    (tmp_path / "zeroshot_classification_templates.txt").write_text("a photo of a {c}.\nart of a {c}.\n")
    write_tar(tmp_path / "test" / "10.tar", {"s2.webp": picture(3, "WEBP"), "s2.cls": b"1"})
    write_tar(
        tmp_path / "test" / "2.tar", {"s0.png": picture(1, "PNG"), "s0.cls": b"0", "s1.png": b"x", "s1.cls": b"1"}
    )
    (unit,) = ClipBenchmark(tmp_path, pool=3).units()
    sample = unit.load()
    assert unit.id == "s0 to s2"  # shards in the order of their numbers
    assert sample.reference.tolist() == [0, 1, 1] and sample.inputs["names"] == ["cat", "dog"]
    assert sample.inputs["templates"] == ["a photo of a {c}.", "art of a {c}."] and sample.inputs["shots"] == []
    (tmp_path / "classnames.txt").write_text("cat\n")
    with pytest.raises(BadInput, match=r"class 1, and classnames\.txt names 1"):
        next(ClipBenchmark(tmp_path, pool=3).units()).load()


def test_a_retrieval_set_of_clip_benchmark_has_several_captions(tmp_path: Path) -> None:
    (tmp_path / "dataset_type.txt").write_text("retrieval\n")
    write_tar(
        tmp_path / "test" / "0.tar",
        {"s0.jpg": picture(1), "s0.txt": b"a cat\nan animal\n", "s1.jpg": picture(2), "s1.txt": b"a dog"},
    )
    sample = next(ClipBenchmark(tmp_path).units()).load()
    assert sample.inputs["captions"] == ["a cat", "an animal", "a dog"]
    assert sample.reference.tolist() == [0, 0, 1]
    with pytest.raises(DatasetMissing):
        next(ClipBenchmark(tmp_path).units("train"))
