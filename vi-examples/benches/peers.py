#!/usr/bin/env python3
"""Runs other packages and vi on the same files, one after the other, and prints the ratios of their times.

    benches/peers.py --peers FOLDER --data FOLDER [--python PYTHON] [--rounds 3] [--only chains]

FOLDER of --peers holds gen.py, w1_gmm.py, w2_vbgmm.py, w3_hmm.py, w4_lds.py, w5_lda.py, w6_fa.py, w9_ds.py, common.py and one_thread.sh;
--data is where gen.py wrote its arrays (PEER_DATA; tags w1a, w1s, w3g, w3c, w4, w5, w6, w7, w9). PYTHON has numpy, scipy, scikit-learn,
crowd-kit, bayespy, gensim, and for chains hmmlearn and dynamax.
Build our side first: cargo build --release -p vi-examples --example peers, and name it with --ours if it is not under target/.
For the Rust port of hmmlearn, build benches/hmmlearn_rs with cargo build --release, and name its program with --hmmlearn-rs.
PEERS, PEER_DATA, PEERS_OURS and PEERS_HMMLEARN_RS do the same as the options.

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
    parser.add_argument("--hmmlearn-rs", default=env("PEERS_HMMLEARN_RS"))
    parser.add_argument("--only", choices=[p.__name__ for p in PARTS], help="one comparison instead of all")
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

    for part in PARTS:
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


def factors(args, ours):
    """An iteration of theirs is an eigenproblem of the data, of ours a sweep that does not read them: total times at equal log-likelihood."""
    theirs, us = [], []
    for _ in range(args.rounds):
        theirs.append(peer(args, "w6_fa.py sklearn", 20))
        us.append(vi(ours, args.data, "factors w6", 20, 1))
    sweep, setup = median(us, "median_s_per_iter"), median(us, "setup_s")
    other, total = median(theirs, "seconds_total"), setup + 20 * sweep
    theirs_log, ours_log = theirs[-1]["loglik_or_elbo"], us[-1]["loglik_or_elbo"]
    difference = ours_log / theirs_log - 1
    print("factor analysis N=50000 D=64 H=8, against scikit-learn")
    print(f"  a sweep {1e3 * sweep:.3f} ms on the clock, {1e3 * median(us, 'cpu_s_per_iter'):.3f} ms on the processor (wanted: 0.5)")
    print(f"  20 iterations {other:.3f} / {total:.3f} s in total, of which {setup:.3f} s to read the data")
    print(f"  log-likelihood {theirs_log:.9e}, {ours_log:.9e}: relative difference {difference:.1e}")
    return sweep < 0.5e-3 and total < other and abs(difference) < 1e-9


CHAINS = [
    # (title, script and our job, iterations, wanted of hmmlearn's faster implementation, wanted of the fastest)
    ("Gaussian hidden Markov model, 100 x 2000 steps, K=8 D=4", "full", "chain w3g", 20, 15, 8),
    ("categorical hidden Markov model, 100 x 2000 steps, K=16 V=64", "cat", "symbols w3c", 20, 5, 5),
]


def chains(args, ours):
    """hmmlearn does the same iterations, so its log-likelihood is ours; dynamax always has a prior on Normals."""
    enough = True
    for title, kind, mine, iterations, much, wanted in CHAINS:
        packages = ("hmmlearn-scaling", "dynamax") + (("hmmlearn-rs",) if args.hmmlearn_rs else ())
        theirs, us, two = {p: [] for p in packages}, [], []
        for _ in range(args.rounds):
            for p in packages:
                theirs[p].append(port(args, kind, iterations) if p == "hmmlearn-rs" else peer(args, f"w3_hmm.py {kind} {p}", iterations))
            us.append(vi(ours, args.data, mine, iterations, 1))
            two.append(vi(ours, args.data, mine, iterations, 2))
        b = median(us, "median_s_per_iter")
        print(title)
        clock = {p: median(r, "marginal_s_per_iter" if "marginal_s_per_iter" in r[-1] else "seconds_per_iter") for p, r in theirs.items()}
        for p, a in clock.items():
            difference = theirs[p][-1]["loglik_or_elbo"] / us[-1]["loglik_or_elbo"] - 1
            print(f"  {p:17s}{a:.6f} / {b:.6f} s = {a / b:.1f} times; log-likelihoods differ by {difference:.1e}")
            # The port and dynamax have priors that cannot be switched off.
            enough &= abs(difference) < 1e-9 or p != "hmmlearn-scaling"
        fastest = min(clock, key=clock.get)
        print(f"  wanted: {much} times hmmlearn, {wanted} times the fastest, which is {fastest}")
        enough &= clock["hmmlearn-scaling"] >= much * b and clock[fastest] >= wanted * b
        a, b = median(us, "min_s_per_iter"), median(two, "min_s_per_iter")
        same = us[-1]["loglik_or_elbo"] == two[-1]["loglik_or_elbo"]
        print(f"  two threads {a:.6f} / {b:.6f} s (fastest sweeps) = {a / b:.2f} times (wanted: 1.7); same bits: {same}")
        memory = us[-1]["peak_rss_mb"]
        print(f"  peak memory {memory:.1f} MiB, of which data {us[-1]['data_mb']:.1f}")
        enough &= same
    return enough


def series(args, ours):
    """Plain NumPy takes the same steps, so its log-likelihood is ours; dynamax is the faster of the two that learn everything."""
    theirs, us = [], []
    for _ in range(args.rounds):
        theirs.append(peer(args, "w4_lds.py dynamax", 20))
        us.append(vi(ours, args.data, "series w4", 20, 1))
    reference = peer(args, "w4_lds.py numpy", 20)["loglik_or_elbo"]
    stock = peer(args, "w4_lds.py dynamax", "20 --stock")["loglik_or_elbo"]
    print("state space, 20 x 2000 steps, 4 states, 8 sensors, against dynamax after compilation")
    enough = times(theirs, us, 6, "seconds_per_iter")
    found = us[-1]["loglik_or_elbo"]
    for name, other in (("numpy", reference), ("dynamax", theirs[-1]["loglik_or_elbo"])):
        print(f"  log-likelihood of {name} {other:.12e}, {found:.12e}: relative difference {found / other - 1:.1e}")
    print(f"  dynamax with its own M-step of the first state's covariance: {stock}")
    return enough and abs(found / reference - 1) < 1e-9


RELEVANCE = """
import json, sys, time
import numpy as np
from sklearn.linear_model import ARDRegression
from common import d
X, y = np.load(d("w7_X.npy")), np.load(d("w7_y.npy"))
t, c = time.perf_counter(), time.process_time()
m = ARDRegression(fit_intercept=False, threshold_lambda=1e300, max_iter=1000, tol={tolerance}).fit(X, y)
t, c = time.perf_counter() - t, time.process_time() - c
print(json.dumps(dict(seconds_total=t, cpu_seconds=c, iters=int(m.n_iter_), alpha=float(m.alpha_), w=m.coef_.tolist(), **{{"lambda": m.lambda_.tolist()}})))
"""

# log N(y; 0, I / alpha + X diag(1 / lambda) X') of each answer on standard input.
EVIDENCE = """
import json, sys
import numpy as np
from common import d
X, y = np.load(d("w7_X.npy")), np.load(d("w7_y.npy"))
XX, Xy, yy, N = X.T @ X, X.T @ y, y @ y, len(y)
out = []
for answer in json.load(sys.stdin):
    a, l = answer["alpha"], np.array(answer["lambda"])
    A = a * XX + np.diag(l)
    fit = a * a * Xy @ np.linalg.solve(A, Xy) - a * yy
    out.append(0.5 * (N * np.log(a / (2 * np.pi)) + np.log(l).sum() - np.linalg.slogdet(A)[1] + fit))
print(json.dumps(out))
"""


def relevance(args, ours):
    """scikit-learn stops where its coefficients change by less than its default tolerance; ours goes on until nothing changes. What the two
    come to is compared where scikit-learn goes on as well: by the evidence, one formula for both, and by coefficients against the largest."""

    def python(script, **given):
        command = f". ./one_thread.sh && exec {shlex.quote(args.python)} -c {shlex.quote(script)}"
        env = dict(os.environ, PEER_DATA=str(pathlib.Path(args.data).resolve()), PYTHONDONTWRITEBYTECODE="1")
        out = subprocess.run(["sh", "-c", command], cwd=args.peers, env=env, check=True, capture_output=True, text=True, **given)
        return json.loads(out.stdout.splitlines()[-1])

    def sklearn(tolerance):
        return python(RELEVANCE.format(tolerance=tolerance))

    theirs, us = [], []
    for _ in range(args.rounds):
        theirs.append(sklearn(1e-3))
        us.append(vi(ours, args.data, "relevance w7", 1000, 1))
    print("regression with a relevance of each coefficient, N=200000 D=64, against scikit-learn")
    a, b = median(theirs, "seconds_total"), median(us, "seconds_total")
    print(f"  in total   {a:.4f} s, {theirs[-1]['iters']} iterations / {b:.4f} s, {us[-1]['iters']} iterations = {a / b:.1f} times (wanted: 20)")
    a, b = median(theirs, "cpu_seconds"), median(us, "cpu_seconds")
    print(f"  processor  {a:.4f} / {b:.4f} s = {a / b:.1f} times")
    end, found = sklearn(1e-12), us[-1]
    w = max(abs(x - y) for x, y in zip(found["w"], end["w"])) / max(map(abs, end["w"]))
    first, second = python(EVIDENCE, input=json.dumps([{k: r[k] for k in ("alpha", "lambda")} for r in (end, found)]))
    print(f"  where both stand still: log evidence {first:.12e}, {second:.12e}, relative difference {second / first - 1:.1e}; coefficients differ by {w:.1e} of the largest")
    return median(theirs, "seconds_total") >= 20 * median(us, "seconds_total") and abs(second / first - 1) < 1e-9 and w < 1e-6


PARTS = (bayesian, large, topics, factors, chains, series, relevance)


def port(args, kind, iterations):
    command = [args.hmmlearn_rs, kind, args.data, str(iterations)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


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
