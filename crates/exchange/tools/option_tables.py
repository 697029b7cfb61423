"""Writes the constants of the option module: src/option/normal_table.rs and log_exp_table.rs.

Run `python3 option_tables.py` (needs mpmath) in this folder; the files are rewritten in place.
The result does not depend on trust in this script: tests in src/option/function/tests.rs compare
every row with the 256-bit series of src/option/wide.rs, which shares nothing with this file.
"""

from pathlib import Path

from mpmath import erfc, log, lu_solve, matrix, mp, mpf, nint, pi, cos, sqrt, exp

mp.dps = 90
TARGET = Path(__file__).parent.parent / "src" / "option"

# N(-z) on [j/16, (j+1)/16), j < ROWS, is 2^-(63+e) * sum of c[k] t^k with t in [-1/2, 1/2).
ROWS = 160
DEGREE = 11


def tail(z):
    return erfc(z / sqrt(mpf(2))) / 2


def near_minimax(function, degree):
    """Coefficients of the polynomial through the Chebyshev points of [-1/2, 1/2]."""
    count = degree + 1
    points = [cos(pi * (2 * i + 1) / (2 * count)) / 2 for i in range(count)]
    powers = matrix(count, count)
    values = matrix(count, 1)
    for i, t in enumerate(points):
        values[i] = function(t)
        for k in range(count):
            powers[i, k] = t**k
    return list(lu_solve(powers, values))


def horner(coefficients, t):
    """The integer evaluation that the Rust code does, t in units of 2^-64."""
    value = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        value = c + ((value * t) >> 64)
    return value


def normal_rows():
    rows, worst = [], 0
    for j in range(ROWS):
        start = mpf(j) / 16
        e = 0
        while tail(start) * 2 ** (e + 1) <= mpf(1) / 2:
            e += 1
        scale = mpf(2) ** (63 + e)
        value = lambda t: tail(start + (t + mpf(1) / 2) / 16) * scale
        row = [int(nint(c)) for c in near_minimax(value, DEGREE)]
        for step in range(-32, 33):
            t = max(-(2**63), min(2**63 - 1, step * 2**58))
            error = abs(horner(row, t) - value(mpf(t) / 2**64))
            worst = max(worst, error)
        rows.append((e, row))
    print("normal: worst error in units of 2^-(63+e):", mp.nstr(worst, 5))
    return rows


def limbs(value):
    """A number below 1 as four 64-bit limbs, lowest first."""
    number = int(mp.floor(value * mpf(2) ** 256))
    return "[" + ", ".join(str((number >> (64 * i)) % 2**64) for i in range(4)) + "]"


def wrapped(items, indent):
    """Items joined by commas, in lines of at most 100 characters."""
    lines, line = [], indent
    for item in items:
        piece = item + ", "
        if len(line) + len(piece.rstrip()) > 99:
            lines.append(line.rstrip())
            line = indent
        line += piece
    lines.append(line.rstrip())
    return lines


HEAD = "// Written by crates/exchange/tools/option_tables.py; do not edit by hand.\n"


def write_normal():
    rows = normal_rows()
    out = [
        "//! Piecewise polynomials of the normal distribution's lower tail N(-z), z in [0, 10).",
        "//!",
        "//! Row j covers [j/16, (j+1)/16): N(-z) = 2^-(63+e) * sum of c_k t^k",
        "//! with t in [-1/2, 1/2) its place in the row. Code: `function::normal_tail`.",
        HEAD.rstrip(),
        "",
        "/// Rows of the table.",
        f"pub(super) const ROWS: usize = {ROWS};",
        "/// Coefficients of one row.",
        f"pub(super) const TERMS: usize = {DEGREE + 1};",
        "",
        "/// Power-of-two exponent e of each row.",
        "#[rustfmt::skip]",
        f"pub(super) const EXPONENTS: [u8; ROWS] = [",
    ]
    out += wrapped([str(e) for e, _ in rows], "    ")
    out += ["];", "", "/// Coefficients c_0, c_1, ... of each row.", "#[rustfmt::skip]"]
    out += ["pub(super) static COEFFICIENTS: [[i64; TERMS]; ROWS] = ["]
    for _, row in rows:
        lines = wrapped([str(c) for c in row], "     ")
        lines[0] = "    [" + lines[0][5:]
        lines[-1] = lines[-1].rstrip(",") + "],"
        out += lines
    out += ["];", ""]
    (TARGET / "normal_table.rs").write_text("\n".join(out))


# ln m for m in [1, 2): with i the top 7 bits of m - 1 and c = 1 + (i + 1/2)/128,
# m * r lies near 1 (r = 1/c rounded to 2^-64) and ln m = ln(m r) - ln r, kept as -ln r in 2^-64.
def write_log_exp():
    reciprocals, logs = [], []
    for i in range(128):
        r = int(nint(mpf(2) ** 64 / (1 + (mpf(i) + mpf(1) / 2) / 128)))
        reciprocals.append(r)
        logs.append(int(nint(-log(mpf(r) / 2**64) * 2**64)))
    powers = [int(nint(mpf(2) ** (63 - mpf(i) / 64))) for i in range(64)]
    out = [
        "//! Tables of the logarithm and of the exponential.",
        "//!",
        "//! Absent: any code; `function::ln` and `function::exp_negative` read these numbers.",
        HEAD.rstrip(),
        "",
        "/// ln 2 in units of 2^-64.",
        f"pub(super) const LN_2_Q64: u64 = {int(nint(log(mpf(2)) * 2**64))};",
        "/// 64 / ln 2 in units of 2^-57.",
        f"pub(super) const STEPS_PER_UNIT_Q57: u64 = {int(nint(64 / log(mpf(2)) * 2**57))};",
        "/// (ln 2) / 64 in units of 2^-70.",
        f"pub(super) const UNIT_PER_STEP_Q70: u64 = {int(nint(log(mpf(2)) / 64 * mpf(2)**70))};",
        "/// 1 / sqrt(2 pi) in units of 2^-64.",
        f"pub(super) const DENSITY_AT_ZERO_Q64: u64 = {int(nint(mpf(2)**64 / sqrt(2 * pi)))};",
        "/// 1 / (10^9 sqrt(31_536_000)) in units of 2^-106.",
        "pub(super) const DEVIATION_UNIT_Q106: u64 = "
        f"{int(nint(mpf(2)**106 / (10**9 * sqrt(mpf(31536000)))))};",
        "/// The same ln 2 and 1 / sqrt(2 pi) in units of 2^-256, lowest limb first.",
        f"pub(super) const LN_2_Q256: [u64; 4] =\n    {limbs(log(mpf(2)))};",
        f"pub(super) const DENSITY_AT_ZERO_Q256: [u64; 4] =\n    {limbs(1 / sqrt(2 * pi))};",
        "",
        "/// r_i = 2^64 / (1 + (i + 1/2)/128), to nearest.",
        "#[rustfmt::skip]",
        "pub(super) static RECIPROCALS_Q64: [u64; 128] = [",
    ]
    out += wrapped([str(r) for r in reciprocals], "    ")
    out += ["];", "", "/// -ln(r_i / 2^64) in units of 2^-64.", "#[rustfmt::skip]"]
    out += ["pub(super) static RECIPROCAL_LOGS_Q64: [u64; 128] = ["]
    out += wrapped([str(x) for x in logs], "    ")
    out += ["];", "", "/// 2^(-i/64) in units of 2^-63.", "#[rustfmt::skip]"]
    out += ["pub(super) static POWERS_Q63: [u64; 64] = ["]
    out += wrapped([str(x) for x in powers], "    ")
    out += ["];", ""]
    (TARGET / "log_exp_table.rs").write_text("\n".join(out))


write_normal()
write_log_exp()
