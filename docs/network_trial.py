"""A sum over two processes against the model of it, on a slow network inside of this machine: a table of docs/hpc.md.

    python docs/network_trial.py            # as root, on Linux with iproute2

Two network namespaces are joined by two TUN devices.  `tc` limits each to 1 Gbit/s (tbf).  A thread here holds every
packet back for 1 ms: `tc netem` would do that, where the kernel has it.  Each process has a namespace and a core.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import queue
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np

from calosim_tf.benchmark.scaling_model import Network

SIDES = ("calosim-a", "calosim-b")
ADDRESSES = ("10.77.0.1", "10.77.0.2")
PORTS = {"sockets": 28431, "multiworker": 28441}
# <linux/if_tun.h>
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
PACKET = 60_000
# bit/s (0 for no limit) and s, one way
NETWORKS = ((0.0, 0.0), (1e9, 0.0), (1e9, 1e-3))
# Bytes: one number, a generator and a critic of `photon`, and ten times as much
SIZES = (4, 1_042_016, 1_632_452, 16_324_520)
READINGS, SUMS = 15, 5


def run(*words: object) -> None:
    """A command of iproute2."""
    subprocess.run([str(word) for word in words], check=True)


def forward(source: int, target: int, delay: float) -> None:
    """Write each packet that is read, a delay later."""
    packets: queue.SimpleQueue = queue.SimpleQueue()

    def write() -> None:
        while True:
            due, packet = packets.get()
            if (left := due - time.perf_counter()) > 0:
                time.sleep(left)
            with contextlib.suppress(OSError):
                os.write(target, packet)

    threading.Thread(target=write, daemon=True).start()
    while True:
        try:
            packet = os.read(source, PACKET + 100)
        except OSError:
            return
        packets.put((time.perf_counter() + delay, packet))


@contextlib.contextmanager
def joined(bandwidth: float, delay: float) -> Iterator[None]:
    """Two namespaces that reach each other."""
    devices = []
    try:
        for number, (side, address) in enumerate(zip(SIDES, ADDRESSES, strict=True)):
            name = f"calosim{number}"
            device = os.open("/dev/net/tun", os.O_RDWR)
            devices.append(device)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
            run("ip", "netns", "add", side)
            run("ip", "link", "set", name, "netns", side)
            inside = ("ip", "-n", side)
            run(*inside, "link", "set", "lo", "up")
            run(*inside, "addr", "add", f"{address}/24", "dev", name)
            run(*inside, "link", "set", name, "mtu", PACKET, "txqueuelen", 1000, "up")
            if bandwidth:
                limit = ("rate", f"{bandwidth:.0f}bit", "burst", 2 * PACKET, "latency", "100ms")
                run("tc", "-n", side, "qdisc", "add", "dev", name, "root", "tbf", *limit)
        for source, target in (devices, devices[::-1]):
            threading.Thread(target=forward, args=(source, target, delay), daemon=True).start()
        yield
    finally:
        for device in devices:
            os.close(device)
        for side in SIDES:
            subprocess.run(["ip", "netns", "del", side], check=False, capture_output=True)


def measured(engine: str) -> dict[str, float]:
    """Bytes -> seconds of a sum between two processes, one in each namespace."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR", "no_proxy": "*"}
    workers = []
    for rank, side in enumerate(SIDES):
        cluster = {"worker": [f"{address}:{PORTS['multiworker']}" for address in ADDRESSES]}
        environment["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": rank}})
        words = ["ip", "netns", "exec", side, sys.executable, __file__, engine, str(rank)]
        workers.append(subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True))
    outputs = [worker.communicate(timeout=600)[0] for worker in workers]
    return json.loads(outputs[0].splitlines()[-1])


def work(engine: str, rank: int) -> None:
    """One of the two processes: print the median of the readings for each size."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[rank % len(cores)]})
    make = {"sockets": socket_sum, "multiworker": product_sum}[engine](rank)
    seconds = {}
    for size in SIZES:
        call, readings = make(size), []
        for reading in range(READINGS + 1):
            start = time.perf_counter()
            call()
            if reading:
                readings.append((time.perf_counter() - start) / SUMS)
        seconds[size] = statistics.median(readings)
    print(json.dumps(seconds))


def socket_sum(rank: int) -> Callable[[int], Callable[[], object]]:
    """A ring of two over a plain socket: half of the numbers for adding up, then half of the sums."""
    if rank:
        link = connected(PORTS["sockets"])
    else:
        with socket.create_server((ADDRESSES[0], PORTS["sockets"])) as server:
            link = server.accept()[0]
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchanged(values: np.ndarray) -> np.ndarray:
        found = np.empty_like(values)
        sender = threading.Thread(target=link.sendall, args=(memoryview(values).cast("B"),))
        sender.start()
        view, got = memoryview(found).cast("B"), 0
        while got < len(view):
            got += link.recv_into(view[got:])
        sender.join()
        return found

    def make(size: int) -> Callable[[], object]:
        half = np.ones(max(size // 8, 1), "f4")

        def call() -> None:
            for _ in range(SUMS):
                exchanged(half + exchanged(half))

        return call

    return make


def connected(port: int) -> socket.socket:
    """A connection to the first process, as soon as that listens."""
    while True:
        try:
            return socket.create_connection((ADDRESSES[0], port))
        except OSError:
            time.sleep(0.1)


def product_sum(_rank: int) -> Callable[[int], Callable[[], object]]:
    """The sum of the training step under ``--strategy multiworker``."""
    import tensorflow as tf

    from calosim_tf.training.strategies.connect import connect
    from calosim_tf.training.strategies.devices import set_threads

    set_threads(1)
    strategy = connect("multiworker")

    def make(size: int) -> Callable[[], object]:
        with strategy.scope():
            values = tf.ones([size // 4])

        @tf.function
        def one_after_another():
            def step():
                found = values
                for _ in range(SUMS):
                    found = strategy.replicas.sum([found])[0] / 2.0
                return tf.reduce_sum(found)

            return strategy._strategy.run(step)

        return lambda: strategy._strategy.experimental_local_results(one_after_another())[0].numpy()

    return make


def main() -> None:
    """Print the table."""
    print("| network | bytes | model, ms | sockets, ms | `multiworker`, ms |\n|---|---|---|---|---|")
    for bandwidth, latency in NETWORKS:
        with joined(bandwidth, latency):
            found = {engine: measured(engine) for engine in PORTS}
        network = Network(bandwidth or float("inf"), latency)
        for size in SIZES:
            times = [1e3 * found[engine][str(size)] for engine in PORTS]
            name = f"{bandwidth / 1e9:g} Gbit/s, {1e3 * latency:g} ms" if bandwidth else "no limit"
            model = 1e3 * network.sum_seconds(size, 2)
            print(f"| {name} | {size} | {model:.2f} | {times[0]:.2f} | {times[1]:.2f} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        work(sys.argv[1], int(sys.argv[2]))
    else:
        main()
