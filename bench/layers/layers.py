# SPDX-License-Identifier: Apache-2.0
"""OCI layers to a bootable ext4 disk: ours beside `umoci unpack` + `mke2fs -d`, turn by turn on the same image."""
import gzip
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from timing import Table, interleaved, timed  # noqa: E402


def blob(layout, digest):
    return layout / "blobs" / digest.replace(":", "/")


def open_image(archive, layout):
    """The tag, and (blob, diff id) of each layer."""
    with tarfile.open(archive) as tar:
        tar.extractall(layout)
    entry = json.loads((layout / "index.json").read_text())["manifests"][0]
    manifest = json.loads(blob(layout, entry["digest"]).read_text())
    config = json.loads(blob(layout, manifest["config"]["digest"]).read_text())
    blobs = [blob(layout, layer["digest"]) for layer in manifest["layers"]]
    return entry["annotations"]["org.opencontainers.image.ref.name"], list(zip(blobs, config["rootfs"]["diff_ids"]))


def unpacked_bytes(layers):
    total = 0
    for path, _ in layers:
        with gzip.open(path) as stream:
            while piece := stream.read(1 << 20):
                total += len(piece)
    return total


def main():
    build_disk, archive = sys.argv[1:3]
    rounds = int(os.environ.get("BENCH_ROUNDS", "7"))
    work = pathlib.Path(tempfile.mkdtemp(prefix="boxlite-bench-layers-"))
    try:
        tag, layers = open_image(archive, work / "oci")
        size = unpacked_bytes(layers) / 1e6
        arguments = [str(part) for layer in layers for part in layer]

        def fresh(name):
            shutil.rmtree(work / name, ignore_errors=True)
            (work / name).mkdir()
            return work / name

        def ours(sync):
            directory = fresh("ours")
            return timed([build_disk, str(directory), *arguments], env={**os.environ, "BUILD_DISK_SYNC": sync})

        def peer():
            directory = fresh("peer")
            unpack = ["umoci", "unpack", "--image", f"{work}/oci:{tag}", f"{directory}/bundle"]
            if os.geteuid() != 0:
                unpack.insert(2, "--rootless")
            make = ["mke2fs", "-q", "-t", "ext4", "-b", "4096", "-m", "0", "-E", "root_owner=0:0", "-F",
                    "-d", f"{directory}/bundle/rootfs", f"{directory}/disk.ext4", "10G"]
            return timed(unpack) + timed(make)

        plain, synced, other = interleaved(rounds, lambda: ours("0"), lambda: ours("1"), peer)
        table = Table(f"OCI layers to a 10 GiB ext4 disk, {size:.0f} MB unpacked, {len(layers)} layer(s)", "ms")
        for name, samples in (("umoci unpack + mke2fs -d", other), ("boxlite", plain), ("boxlite, synced to disk", synced)):
            row = table.add(name, [sample * 1000 for sample in samples], [sample * 1000 for sample in other])
            row["name"] += f"  {size / row['median'] * 1000:.0f} MB/s"
        table.show()
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
