#!/usr/bin/env python3
"""Runs other packages and vi on the same files, one after the other, and prints the ratios of their times.

    benches/peers.py --peers FOLDER --data FOLDER [--python PYTHON] [--rounds 3]

FOLDER of --peers holds gen.py, w1_gmm.py, w2_vbgmm.py, w5_lda.py, w9_ds.py and one_thread.sh; --data is where gen.py wrote its arrays
(PEER_DATA; tags w1a, w1s, w5, w7, w9). PYTHON has numpy, scipy, scikit-learn, crowd-kit, bayespy and gensim.
Build our side first: cargo build --release -p vi-examples --example peers, and name it with --ours if it is not under target/.
PEERS, PEER_DATA and PEERS_OURS do the same as the options.

The packages take turns, so that a machine that is busy for a while is busy for all. A time is seconds for one iteration: on the clock
without start-up (median over the rounds), and on the processor, which a busy machine lengthens less. The log-likelihood is that of the
final params, in f64; the difference is relative.
"""
import argparse
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile

JOBS = [
    # (title, script and its arguments, our arguments, iterations, wanted ratio)
    ("mixture N=200000 D=16 K=16 full, against scikit-learn", "w1_gmm.py w1a sklearn", "mixture w1a", 20, 8.0),
    ("labels, 50000 of 10000 items, against crowd-kit", "w9_ds.py crowdkit", "labels w9", 20, 20.0),
]


def main():
    env = os.environ.get
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=env("PEERS"), required=env("PEERS") is None)
    parser.add_argument("--data", default=env("PEER_DATA"), required=env("PEER_DATA") is None)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--ours", default=env("PEERS_OURS", "target/release/examples/peers"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("bayesian", "large", "topics"), help="one comparison instead of all")
    args = parser.parse_args()
    ours = str(pathlib.Path(args.ours).resolve())
    failed = False

    for title, script, mine, iterations, wanted in JOBS if args.only is None else []:
        theirs, us = [], []
        for _ in range(args.rounds):
            theirs.append(peer(args, script, iterations))
            us.append(vi(ours, args.data, mine, iterations, 1))
        clock = median(theirs, "marginal_s_per_iter"), median(us, "median_s_per_iter")
        processor = (
            statistics.median(r["cpu_seconds"] / r["iters"] for r in theirs),
            median(us, "cpu_s_per_iter"),
        )
        theirs_log, ours_log = theirs[-1]["loglik_or_elbo"], us[-1]["loglik_or_elbo"]
        difference = abs(ours_log / theirs_log - 1)
        print(title)
        print(f"  clock      {clock[0]:.6f} / {clock[1]:.6f} s = {clock[0] / clock[1]:.1f} times (wanted: {wanted:.0f})")
        if processor[1] > 0:
            print(f"  processor  {processor[0]:.6f} / {processor[1]:.6f} s = {processor[0] / processor[1]:.1f} times")
        print(f"  log-likelihood {theirs_log:.9e}, {ours_log:.9e}: relative difference {difference:.1e}")
        failed |= clock[0] < wanted * clock[1] or difference > 1e-9

    for part in (bayesian, large, topics):
        failed |= args.only in (None, part.__name__) and not part(args, ours)
    if args.only:
        sys.exit(failed)

    one, two, same = [], [], []
    for _ in range(args.rounds):
        one.append(vi(ours, args.data, "mixture w1a", 20, 1))
        two.append(vi(ours, args.data, "mixture w1a", 20, 2))
        same.append(one[-1]["loglik_or_elbo"] == two[-1]["loglik_or_elbo"])
    a, b = median(one, "min_s_per_iter"), median(two, "min_s_per_iter")
    print(f"mixture, two threads: {a:.6f} / {b:.6f} s (fastest sweeps) = {a / b:.2f} times; same bits: {all(same)}")
    locals_ = vi(ours, args.data, "mixture w1a", 5, 1, "locals")
    for name, r in (("without locals", one[-1]), ("with locals", locals_)):
        print(f"  peak memory {name}: {r['peak_rss_mb']:.1f} MiB, {r['peak_rss_mb'] - r['data_mb']:.1f} more than the data")
    for rows in (2_000, 20_000, 200_000):
        if (pathlib.Path(args.data) / "w7_X.npy").exists():
            r = vi(ours, args.data, "regression w7", 3, 1, str(rows))
            print(f"regression without latents, N={rows}: {r['setup_s']:.4f} s to read, {r['median_s_per_iter']:.6f} s for one iteration")
    sys.exit(failed or not all(same))


def bayesian(args, ours):
    """Theirs is the bound with q(z) made optimal once more, so it lies between two of ours."""
    theirs, us = [], []
    for _ in range(args.rounds):
        theirs.append(peer(args, "w2_vbgmm.py w1a sklearn", 20))
        us.append(vi(ours, args.data, "bayesian w1a", 20, 1))
    low, bound, high = us[-1]["one_before"], theirs[-1]["loglik_or_elbo"], us[-1]["loglik_or_elbo"]
    print("variational mixture N=200000 D=16 K=16, against scikit-learn")
    enough = times(theirs, us, 8)
    print(f"  bound {low:.9e} <= {bound:.9e} <= {high:.9e}: {low <= bound <= high}")
    return enough and low <= bound <= high


def large(args, ours):
    """The mixture of BayesPy's paper. Its means have a prior apart from their precisions, so the bounds are those of two models."""
    theirs, us = [], []
    for _ in range(args.rounds):
        theirs.append(peer(args, "w2_vbgmm.py w1s bayespy", 20))
        us.append(vi(ours, args.data, "bayesian w1s", 20, 1))
    print("variational mixture N=2000 D=10 K=40, against BayesPy")
    # Its script times whole fits; building the model is a small part of one.
    enough = times(theirs, us, 10, key="seconds_per_iter")
    print(f"  after 20 sweeps {theirs[-1]['loglik_or_elbo']:.6e} and {us[-1]['loglik_or_elbo']:.6e}: of models that differ in the prior of the means")
    return enough


def times(theirs, us, wanted, key="marginal_s_per_iter"):
    """Prints both times; whether ours is as many times as short on the clock as wanted."""
    a, b = median(theirs, key), median(us, "median_s_per_iter")
    processor = statistics.median(r["cpu_seconds"] / r["iters"] for r in theirs), median(us, "cpu_s_per_iter")
    print(f"  clock      {a:.6f} / {b:.6f} s = {a / b:.1f} times (wanted: {wanted})")
    if processor[1] > 0:
        print(f"  processor  {processor[0]:.6f} / {processor[1]:.6f} s = {processor[0] / processor[1]:.1f} times")
    return a >= wanted * b


BOUND = """
import sys; sys.argv = ["w5_lda.py", "w5", "none"]
exec(open("w5_lda.py").read())
print(float(ref_bound(np.fromfile({file!r}).reshape(K, V))))
"""


def topics(args, ours):
    """All bounds by scikit-learn's formula at the final topics, documents made optimal."""
    packages = ("sklearn", "gensim")
    theirs, us = {p: [] for p in packages}, []
    with tempfile.TemporaryDirectory() as folder:
        file = str(pathlib.Path(folder) / "topics")
        for _ in range(args.rounds):
            for p in packages:
                theirs[p].append(peer(args, f"w5_lda.py w5 {p}", "10 20"))
                us.append(vi(ours, args.data, "topics w5", 10, 1, file))
        env = dict(os.environ, PEER_DATA=str(pathlib.Path(args.data).resolve()), PYTHONDONTWRITEBYTECODE="1")
        command = [args.python, "-c", BOUND.format(file=file)]
        bound = float(subprocess.run(command, cwd=args.peers, env=env, check=True, capture_output=True, text=True).stdout)
    enough = True
    for p in packages:
        print(f"topics of 5000 documents, V=5000 K=50, 20 inner turns, against {p}")
        # gensim's script times one whole fit of ten passes.
        key = "marginal_s_per_iter" if "marginal_s_per_iter" in theirs[p][-1] else "seconds_per_iter"
        enough &= times(theirs[p], us, 6, key)
        other = theirs[p][-1]["loglik_or_elbo"]
        difference = bound / other - 1
        print(f"  bound at the final topics {other:.9e}, {bound:.9e}: relative difference {difference:.1e}")
        enough &= abs(difference) < 1e-3
    return enough


def median(runs, key):
    return statistics.median(r[key] for r in runs)


def peer(args, script, iterations):
    command = f". ./one_thread.sh && exec {shlex.quote(args.python)} {script} {iterations}"
    data = str(pathlib.Path(args.data).resolve())
    env = dict(os.environ, PEER_DATA=data, PEER_REPS="1", PYTHONDONTWRITEBYTECODE="1")
    out = subprocess.run(["sh", "-c", command], cwd=args.peers, env=env, check=True, capture_output=True, text=True)
    return json.loads(out.stdout.splitlines()[-1])


def vi(ours, data, what, iterations, threads, *rest):
    what, tag = what.split()
    command = [ours, what, data, tag, str(iterations), str(threads), *rest]
    out = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(out.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
