"""Data sets in their true formats: tiny files are written as the field writes them, and read back."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

from backends.core.errors import BadInput
from evaluation.commands.check import inspect
from evaluation.datasets.base import DatasetMissing
from evaluation.datasets.class_episodes import ClassEpisodes
from evaluation.datasets.laion import Laion
from evaluation.datasets.matte_pairs import MattePairs
from evaluation.datasets.musdb18 import STREAMS, VALIDATION, Musdb18
from evaluation.datasets.own_samples import BuiltProteins
from evaluation.datasets.proteinnet import ProteinNet, Record, read_file, write_text, write_tfrecord
from evaluation.datasets.registry import ENTRIES, open_dataset
from evaluation.datasets.song_folders import SongFolders
from evaluation.datasets.tfrecord import masked_crc
from evaluation.datasets.video_objects import Davis, YoutubeVos

RATE = 44100


def tone(hertz: float, seconds: float = 0.3) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.2 * np.sin(2 * np.pi * hertz * time) * np.ones((2, 1))).astype(np.float32)


def write_stem_file(path: Path, streams: int = 5) -> None:
    """An MP4 of several AAC sounds, as MUSDB18 has it."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as container:
        sounds = [container.add_stream("aac", rate=RATE, layout="stereo") for _ in range(streams)]
        for number, stream in enumerate(sounds):
            wave = sum(tone(220 * k) for k in (1, 2, 3, 4)) if number == 0 else tone(220 * number)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave), format="fltp", layout="stereo")
            frame.sample_rate = RATE
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)


def loudest(wave: np.ndarray) -> float:
    """Hz."""
    return float(np.abs(np.fft.rfft(wave.mean(0))).argmax() * RATE / wave.shape[1])


def test_the_five_streams_of_a_stem_file_are_the_right_ones(tmp_path: Path) -> None:
    write_stem_file(tmp_path / "test" / "Somebody - A Song.stem.mp4")
    (unit,) = Musdb18(tmp_path).units("test")
    assert (unit.id, unit.group) == ("Somebody - A Song", "Somebody")
    sample = unit.load()
    assert sample.inputs["samplerate"] == RATE
    for number, name in enumerate(("drums", "bass", "other", "vocals"), 1):
        assert loudest(sample.reference[name]) == pytest.approx(220 * number, abs=5)
    assert np.allclose(sample.inputs["mixture"], sum(sample.reference.values()), atol=1e-5)


def test_hq_folders_and_the_validation_split(tmp_path: Path) -> None:
    for name in (sorted(VALIDATION)[0], "Anna - Another"):
        folder = tmp_path / "train" / name
        folder.mkdir(parents=True)
        for number, stem in enumerate(STREAMS):
            soundfile.write(folder / f"{stem}.wav", tone(100 * (number + 1), 0.05).T, RATE)
    data = Musdb18(tmp_path)
    assert [unit.id for unit in data.units("train")] == ["Anna - Another"]
    (unit,) = data.units("validation")
    assert unit.load().reference["vocals"].shape == (2, round(0.05 * RATE))
    assert "98 of the 100 songs" in next(data.problems())
    (tmp_path / "train" / "Anna - Another" / "bass.wav").write_bytes(b"RIFF")
    found = dict(inspect(data, 5))
    assert "bass.wav is missing or damaged" in found["damaged"]
    assert "no songs for “test”" in str(list(inspect(data, 5)))


def test_fourteen_songs_are_for_validation() -> None:
    assert len(VALIDATION) == 14


@pytest.mark.parametrize("content", [b"", b"\0\0\0\x20ftypM4V nothing else", b"x" * 4000])
def test_a_damaged_stem_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "test" / "A - B.stem.mp4"
    path.parent.mkdir()
    path.write_bytes(content)
    (unit,) = Musdb18(tmp_path).units("test")
    with pytest.raises(BadInput, match="damaged, or no stem file"):
        unit.load()


def test_a_file_of_other_sounds_is_no_stem_file(tmp_path: Path) -> None:
    write_stem_file(tmp_path / "test" / "A - B.stem.mp4", streams=2)
    with pytest.raises(BadInput, match="holds 2 sounds"):
        next(Musdb18(tmp_path).units("test")).load()


def test_anybodys_songs_with_stems(tmp_path: Path) -> None:
    (tmp_path / "song").mkdir()
    soundfile.write(tmp_path / "song" / "vocals.wav", tone(300, 0.1).T, RATE)
    soundfile.write(tmp_path / "song" / "drums.wav", tone(700, 0.1)[0], RATE)
    (unit,) = SongFolders(tmp_path).units()
    sample = unit.load()
    assert set(sample.reference) == {"vocals", "drums"}
    assert np.allclose(sample.inputs["mixture"], sum(sample.reference.values()))


def write_video(root: Path, masks: dict[str, np.ndarray], video: str = "0a1b") -> None:
    for kind in ("JPEGImages", "Annotations"):
        (root / kind / video).mkdir(parents=True)
    for name, index in masks.items():
        image = Image.fromarray(index.astype(np.uint8), "P")
        image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255] + [9] * 756)
        image.save(root / "Annotations" / video / f"{name}.png")
        Image.new("RGB", index.shape[::-1], (200, 30, 30)).save(root / "JPEGImages" / video / f"{name}.jpg")


def test_youtube_vos_counts_persons_by_palette_and_every_fifth_frame(tmp_path: Path) -> None:
    index = np.zeros((20, 30), int)
    index[2:8, 3:9], index[10:15, 20:25] = 1, 3  # number 2 comes in later
    write_video(tmp_path, {"00000": index, "00005": np.roll(index, 1, 0)})
    Image.new("RGB", (30, 20)).save(tmp_path / "JPEGImages" / "0a1b" / "00003.jpg")  # a frame without a mask
    objects = {"1": {"category": "dog", "frames": ["00000"]}, "3": {"category": "person", "frames": ["00000", "00005"]}}
    (tmp_path / "meta.json").write_text(json.dumps({"videos": {"0a1b": {"objects": objects}, "gone": {"objects": {}}}}))
    data = YoutubeVos(tmp_path)
    (unit,) = data.units()
    sample = unit.load()
    assert sample.inputs["frames"].shape == (2, 20, 30, 3)
    assert sample.inputs["frames"][0, 0, 0, 0] > 150  # red first
    assert np.array_equal(sample.reference[0] == 1, index == 3)
    assert "gone is in meta.json" in next(data.problems())


def test_davis_reads_its_lists_and_leaves_void_out(tmp_path: Path) -> None:
    index = np.zeros((12, 12), int)
    index[2:6], index[8:] = 2, 255
    for kind in ("JPEGImages", "Annotations"):
        (tmp_path / kind).mkdir()
    write_video(tmp_path / "x", {"00000": index}, "judo")
    for kind in ("JPEGImages", "Annotations"):
        (tmp_path / "x" / kind).rename(tmp_path / kind / "480p")
    (tmp_path / "ImageSets" / "2017").mkdir(parents=True)
    (tmp_path / "ImageSets" / "2017" / "val.txt").write_text("judo\n")
    (unit,) = Davis(tmp_path).units("val")
    assert np.array_equal(unit.load().reference[0] == 1, index == 2)


def test_davis_of_2016_lists_files_and_its_masks_are_white(tmp_path: Path) -> None:
    index = np.zeros((12, 12), np.uint8)
    index[2:6] = 255
    write_video(tmp_path / "x", {"00000": index}, "bear")
    Image.fromarray(index, "L").save(tmp_path / "x" / "Annotations" / "bear" / "00000.png")
    for kind in ("JPEGImages", "Annotations"):
        (tmp_path / kind).mkdir()
        (tmp_path / "x" / kind).rename(tmp_path / kind / "480p")
    (tmp_path / "ImageSets" / "480p").mkdir(parents=True)
    line = "/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png"
    (tmp_path / "ImageSets" / "480p" / "val.txt").write_text(f"{line} \n")
    (unit,) = Davis(tmp_path).units("val")
    sample = unit.load()
    assert np.array_equal(sample.reference[0] == 1, index == 255) and "void" not in sample.inputs


def test_a_mask_with_soft_edges_is_refused(tmp_path: Path) -> None:
    write_video(tmp_path, {"00000": np.zeros((32, 32), int)})
    Image.fromarray(np.arange(1024).reshape(32, 32).astype(np.uint8), "L").save(tmp_path / "Annotations/0a1b/00000.png")
    (tmp_path / "meta.json").write_text('{"videos": {"0a1b": {"objects": {"1": {"category": "person"}}}}}')
    with pytest.raises(BadInput, match="soft edges"):
        next(YoutubeVos(tmp_path).units()).load()
    (tmp_path / "meta.json").write_text("[]")
    with pytest.raises(BadInput, match="not the list of videos"):
        next(YoutubeVos(tmp_path).units())


@pytest.mark.parametrize(("picture", "matte"), [("image", "matte"), ("blurred_image", "mask")])
def test_pictures_with_mattes(tmp_path: Path, picture: str, matte: str) -> None:
    for name in (picture, matte):
        (tmp_path / name).mkdir()
    alpha = np.tile(np.linspace(0, 255, 24).astype(np.uint8), (16, 1))
    Image.fromarray(alpha).save(tmp_path / matte / "one.png")
    Image.fromarray(alpha).save(tmp_path / matte / "alone.png")
    Image.new("RGB", (24, 16), (10, 20, 200)).save(tmp_path / picture / "one.jpg", quality=95)
    data = MattePairs(tmp_path)
    (unit,) = data.units()
    sample = unit.load()
    assert np.allclose(sample.reference, alpha / 255)
    assert np.abs(sample.inputs["photo"][8, 8].astype(int) - (10, 20, 200)).max() < 12
    assert list(data.problems()) == ["alone.png has no picture of that name."]


def test_clips_of_foregrounds_are_laid_over_grey(tmp_path: Path) -> None:
    for kind, mode in (("fgr", "RGB"), ("pha", "L")):
        (tmp_path / kind / "0000").mkdir(parents=True)
        for frame in range(2):
            Image.new(mode, (10, 8), (250, 0, 0) if mode == "RGB" else 51).save(
                tmp_path / kind / "0000" / f"{frame:04d}.png"
            )
    (unit,) = MattePairs(tmp_path).units()
    sample = unit.load()
    assert sample.inputs["frames"].shape == (2, 8, 10, 3)
    assert sample.inputs["frames"][0, 0, 0].tolist() == [146, 96, 96]  # a fifth of red over grey


def write_film(path: Path, frames: np.ndarray) -> None:
    import av

    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.height, stream.width, stream.bit_rate = *frames.shape[1:3], 4_000_000
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode(None))


def test_films_of_foregrounds_and_mattes_are_a_clip_each(tmp_path: Path) -> None:
    red, fifth = (np.full((3, 32, 48, 3), colour, np.uint8) for colour in ((250, 0, 0), (51, 51, 51)))
    write_film(tmp_path / "fgr" / "0001.mp4", red)
    write_film(tmp_path / "pha" / "0001.mp4", fifth)
    (unit,) = MattePairs(tmp_path).units()
    sample = unit.load()
    assert unit.id == "0001" and sample.inputs["frames"].shape == (3, 32, 48, 3)
    assert np.allclose(sample.reference, 0.2, atol=0.02)
    assert np.abs(sample.inputs["frames"][1, 16, 24] - np.array([146, 96, 96])).max() < 8
    write_film(tmp_path / "pha" / "0001.mp4", fifth[:2])
    with pytest.raises(BadInput, match="differ in size or length"):
        next(MattePairs(tmp_path).units()).load()
    (tmp_path / "pha" / "0001.mp4").write_bytes(b"no film")
    with pytest.raises(BadInput, match="damaged, or no film"):
        next(MattePairs(tmp_path).units()).load()


def test_folders_that_are_no_pair(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing, match="none of these pairs"):
        next(MattePairs(tmp_path).units())


def chain(rows: int = 20) -> Record:
    structure = BuiltProteins().units("all")
    seen = next(iter(structure)).load().reference
    backbone = seen.atoms[:, [0, 1, 2]].astype(np.float32)
    mask = np.arange(len(seen.sequence)) % 5 != 4
    backbone = np.where(mask[:, None, None], backbone, np.nan)
    profile = np.random.default_rng(0).random((rows, len(mask))).astype(np.float32)
    return Record("70#1ABC_1_A", seen.sequence, profile, backbone, mask)


@pytest.mark.parametrize("rows", [20, 21])
def test_proteinnet_text_comes_back(tmp_path: Path, rows: int) -> None:
    record, path = chain(rows), tmp_path / "validation"
    with path.open("w") as file:
        write_text(file, record)
        write_text(file, Record("FM#T1", record.sequence, record.profile, record.backbone, record.seen, "L" * 14))
    first, second = read_file(path)
    assert (first.id, first.kind, second.kind, second.secondary) == (record.id, "70", "FM", "L" * 14)
    assert first.profile.shape == (rows, 14)
    assert np.allclose(first.backbone, record.backbone, atol=0.01, equal_nan=True)
    assert np.allclose(first.profile, record.profile, atol=1e-5)


def test_proteinnet_tfrecord_comes_back_and_is_the_same_protein(tmp_path: Path) -> None:
    record, path = chain(), tmp_path / "training_30" / "1"
    path.parent.mkdir()
    with path.open("wb") as file:
        write_tfrecord(file, record)
        write_tfrecord(file, record)
    first, _ = read_file(path)
    assert (first.sequence, first.seen.tolist()) == (record.sequence, record.seen.tolist())
    assert np.allclose(first.backbone, record.backbone, atol=1e-3, equal_nan=True)
    units = list(ProteinNet(tmp_path).units("training_30"))
    assert len(units) == 2
    sample = units[0].load()
    assert sample.inputs["sequence"] == record.sequence
    assert len(sample.reference) == record.seen.sum()
    steps = np.linalg.norm(np.diff(sample.reference.ca[:4], axis=0), axis=1)
    assert np.allclose(steps, 3.8, atol=0.1)  # Å, not picometres


def test_a_damaged_record_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "1"
    with path.open("wb") as file:
        write_tfrecord(file, chain())
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadInput, match="checksum is wrong"):
        list(read_file(path))
    path.write_bytes(data[:100])
    with pytest.raises(BadInput, match="middle of a record"):
        list(read_file(path))
    path.write_text("[ID]\nX\n[PRIMARY]\nACD\n[MASK]\n++\n")
    with pytest.raises(BadInput, match="the record X is not whole"):
        list(read_file(path))


def test_the_checksum_is_crc32c() -> None:
    """RFC 3720, B.4: 32 bytes of zeros have the CRC-32C 8a9136aa."""
    crc = 0x8A9136AA
    assert masked_crc(bytes(32)) == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def write_shard(folder: Path) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), (0, 200, 0)).save(picture, "JPEG")
    rows = [
        ("000000000", "a cat", "UNLIKELY", 0.35),
        ("000000002", "a dog", "NSFW", 0.4),
        ("000000003", "x", None, 0.2),
        ("000000004", "y", None, float("nan")),
    ]
    with tarfile.open(folder / "00000.tar", "w") as archive:
        for key, caption, nsfw, similarity in rows:
            about = json.dumps({"caption": caption, "NSFW": nsfw, "similarity": similarity}).encode()
            for ending, content in ((".jpg", picture.getvalue()), (".txt", caption.encode()), (".json", about)):
                member = tarfile.TarInfo(key + ending)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    frame = pd.DataFrame(
        {
            "url": ["u"] * 4,
            "caption": ["a cat", "gone", "a dog", "x"],
            "key": [f"{k:09d}" for k in range(4)],
            "status": ["success", "failed_to_download", "success", "success"],
            "NSFW": ["UNLIKELY", "UNLIKELY", "NSFW", None],
        }
    )
    frame.to_parquet(folder / "00000.parquet")


def test_laion_shards_are_joined_by_key_and_filtered(tmp_path: Path) -> None:
    write_shard(tmp_path)
    units = list(Laion(tmp_path).units())
    assert [unit.load().reference for unit in units] == ["a cat", "x", "y"]
    known = [unit.id for unit in Laion(tmp_path, similarity=0.3).units()]
    assert known == ["000000000", "000000004"], "of the last nobody knows how like its caption it is"
    assert len(list(Laion(tmp_path, unsafe=True).units())) == 4
    assert list(Laion(tmp_path).problems()) == [
        "00000.parquet: 1 of 4 pictures were not fetched (failed_to_download).",
        "00000.parquet: 1 of 4 pictures are marked as unsafe and left out.",
    ]


def test_shards_are_read_from_any_address(tmp_path: Path) -> None:
    import fsspec

    write_shard(tmp_path)
    memory = fsspec.filesystem("memory")
    memory.pipe("/laion/00000.tar", (tmp_path / "00000.tar").read_bytes())
    assert len(list(Laion("memory://laion").units())) == 3


def test_damaged_shards_and_metadata(tmp_path: Path) -> None:
    (tmp_path / "1.tar").write_bytes(b"no tar" * 200)
    (tmp_path / "1.parquet").write_bytes(b"no parquet")
    with pytest.raises(BadInput, match="no tar file"):
        list(Laion(tmp_path).units())
    with pytest.raises(BadInput, match="no Parquet"):
        list(Laion(tmp_path).problems())


def test_episodes_of_class_folders(tmp_path: Path) -> None:
    for kind, colour in (("cat", 50), ("dog", 150), ("few", 250)):
        (tmp_path / kind).mkdir()
        for number in range(1 if kind == "few" else 4):
            Image.new("RGB", (8, 8), (colour, number, 0)).save(tmp_path / kind / f"{number}.png")
    data = ClassEpisodes(tmp_path, shots=2, queries=2, episodes=3)
    units = list(data.units())
    sample = units[0].load()
    assert sample.inputs["names"] == ["cat", "dog"]
    assert len(sample.inputs["shots"]) == 4 and sample.reference.tolist() == [0, 0, 1, 1]
    assert not set(sample.inputs["shots"]) & set(sample.inputs["queries"])
    assert units[0].load().inputs["shots"] == sample.inputs["shots"]
    with pytest.raises(DatasetMissing, match="two classes of 10"):
        next(ClassEpisodes(tmp_path).units())


OWN = [
    pytest.param(id, marks=() if id == "built-proteins" else pytest.mark.nightly) for id, e in ENTRIES.items() if e.own
]


@pytest.mark.parametrize("id", OWN)
def test_own_samples_are_the_same_every_time(id: str) -> None:
    entry = ENTRIES[id]
    first, again = (next(iter(open_dataset(id).units(entry.split))) for _ in range(2))
    assert first == again
    for name, value in first.inputs.items():
        other = again.inputs[name]
        assert np.array_equal(value, other) if isinstance(value, np.ndarray) else value == other


def test_a_data_set_without_its_folder() -> None:
    with pytest.raises(BadInput, match="say in which folder"):
        open_dataset("musdb18")
    with pytest.raises(BadInput, match="No data set is called"):
        open_dataset("imagenet")


def test_the_ends_of_a_clip_of_davis_and_open_pixels_are_not_scored(tmp_path: Path) -> None:
    from evaluation.studies.rigs import matting

    index = np.zeros((12, 12), int)
    index[2:6], index[8:] = 1, 255
    write_video(tmp_path, {f"{number:05d}": index for number in range(4)}, "judo")
    (unit,) = Davis(tmp_path).units()
    sample = unit.load()
    assert sample.inputs["unscored"] == (0, 3) and len(sample.inputs["frames"]) == 4
    answer = np.stack([index > 0 for _ in range(4)]).astype(np.float32)  # right where somebody decided
    answer[0] = answer[3] = 0
    (score,) = matting.scores(answer, sample, ["j"])
    assert (score.value, score.where) == (1.0, 1.0)
    (whole,) = matting.scores(answer, next(Davis(tmp_path, ends=True).units()).load(), ["j"])
    assert (whole.value, whole.where) == (0.5, 0.0)


def test_seen_and_unseen_categories_of_youtube_vos(tmp_path: Path) -> None:
    def meta(folder: str, **videos: str) -> None:
        (tmp_path / folder).mkdir(exist_ok=True)
        listed = {name: {"objects": {"1": {"category": kind, "frames": []}}} for name, kind in videos.items()}
        (tmp_path / folder / "meta.json").write_text(json.dumps({"videos": listed}))

    meta("valid", a="person", b="nessie")
    with pytest.raises(DatasetMissing, match=r"train/meta\.json"):
        list(YoutubeVos(tmp_path / "valid", category="").units("seen"))
    meta("train", c="person")
    data = YoutubeVos(tmp_path / "valid", category="")
    names = {split: [unit.id for unit in data.units(split)] for split in ("all", "seen", "unseen")}
    assert names == {"all": ["a", "b"], "seen": ["a"], "unseen": ["b"]}
    meta("train", **{f"video {number}": "person" for number in range(60)})
    held = [unit.id for unit in YoutubeVos(tmp_path / "train").units("held-out")]
    assert 4 <= len(held) <= 25
