# SPDX-License-Identifier: Apache-2.0
"""Medians and bootstrap intervals, and the text form of tables."""
import random
import statistics

median = statistics.median


def paired_ratio(numerators, denominators, resamples=4000, seed=20130101):
    """Median of the rounds' ratios and its bootstrap 95 % interval. Rounds are paired: index i ran side by side."""
    ratios = [a / b for a, b in zip(numerators, denominators) if b]
    if not ratios:
        return None
    source = random.Random(seed)
    medians = sorted(median(source.choices(ratios, k=len(ratios))) for _ in range(resamples))
    low, high = medians[int(0.025 * resamples)], medians[int(0.975 * resamples)]
    return {"ratio": round(median(ratios), 4), "ci95": [round(low, 4), round(high, 4)], "rounds": len(ratios)}


def table(head, rows):
    """Columns as wide as their widest cell; all but the first right-aligned unless they hold no figure."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(line[i]) for line in [head] + rows) for i in range(len(head))]
    figures = [all(row[i][:1].isdigit() or row[i][:1] in ("-", "") for row in rows) for i in range(len(head))]

    def line(cells):
        return "  ".join(c.rjust(w) if f else c.ljust(w) for c, w, f in zip(cells, widths, figures)).rstrip()

    return "\n".join([line(head), line(["-" * w for w in widths])] + [line(row) for row in rows])
