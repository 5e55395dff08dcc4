"""The verdict at the end of a run and at the head of a report: numbers from metrics.json, none of its own."""

from calosim_tf.report.page import render_report
from calosim_tf.report.verdict_rows import verdict_rows, verdict_text


def entry(name, value, monte_carlo, error=0.001):
    return {
        "metric": name,
        "value": value,
        "error": error,
        "reference_vs_reference": monte_carlo,
        "reference_vs_reference_error": error,
        "unit": "1",
        "note": "",
        "ideal": 0.0,
        "n": 10,
        "n_reference": 10,
    }


def document(**more):
    values = {
        "frechet_distance": (0.004, 0.002),
        "recall": (0.56, 0.73),
        "density": (1.36, 1.06),
        "chi2_ndf_total_energy": (1.05, 0.98),
        "separation_width_r": (0.002, 0.001),
        "separation_layer_energy": (0.02, 0.003),
        "separation_mean": (0.9, 0.9),
        "auc_high_level": (0.55, 0.5),
    } | more
    others = {"CaloShowerGAN": (0.02, 0.1, 3.0), "BoloGAN": (0.05, 0.2, 0.8), "CaloFlow": (0.001, 0.7, 1.0)}
    names = ("fpd", "recall", "density")
    rows = [
        {"name": name, "metrics": {key: {"value": value} for key, value in zip(names, numbers, strict=True)}}
        for name, numbers in others.items()
    ]
    published = {"rows": rows, "note": "", "source": ""}
    return {
        "title": "t",
        "detector": "photon",
        "threshold_mev": 1.0,
        "generated": {"source": "a", "showers": 10},
        "reference": {"source": "b", "showers": 10},
        "control": None,
        "metrics": {name: entry(name, *pair) for name, pair in values.items()},
        "per_energy": {},
        "notes": [],
        "published": [],
        "published_results": published,
        "energies_discrete": True,
    }


def rows_of(found):
    return {row.what.partition(" ")[0]: row for row in verdict_rows(found)}


def test_each_line_has_ours_monte_carlo_and_the_best_published_gan():
    """Breaks if a flow counts as a GAN, the largest distance is called the best, or density is best at its largest."""
    rows = rows_of(document())
    assert (rows["Frechet"].ours, rows["Frechet"].monte_carlo) == ("4.0 ± 1.0", "2.0 ± 1.0")
    assert rows["Frechet"].published == "20 (CaloShowerGAN)"
    assert rows["recall"].published == "0.2 (BoloGAN)"
    assert rows["density"].published == "0.8 (BoloGAN)"
    assert rows["chi2/NDF"].published == "-"
    # the mean of all is not the worst of them
    assert rows["worst"].what.endswith("layer_energy")
    assert rows["worst"].ours.startswith("0.020")


def test_the_extrapolated_distance_replaces_the_plain_one_where_it_is_there():
    """Breaks if a distance at finite N stands beside published values without need."""
    rows = rows_of(document(fpd=(0.0021, 0.0009)))
    assert "FPD" in rows
    assert "Frechet" not in rows


def test_missing_numbers_leave_lines_out_and_the_page_opens_with_the_verdict():
    found = document()
    del found["metrics"]["auc_high_level"]
    found["metrics"]["recall"]["value"] = None
    assert {"AUC", "recall"}.isdisjoint(rows_of(found))
    page = render_report(found, [])
    assert page.index("Verdict") < page.index("Summary")
    text = verdict_text(verdict_rows(found)).splitlines()
    assert "Monte Carlo" in text[0]
    assert len(text) == 1 + len(verdict_rows(found))
