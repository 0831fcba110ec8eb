"""The arithmetic of `make bench`: what is taken for a row from what programs print. Run: python3 -m unittest discover -s tests/bench -p '*_test.py'"""
import unittest

import measure
import rows
import run

ENTRY = {"run_name": "commit/1000/iterations:150/real_time", "name": "x", "aggregate_name": "median", "real_time": 3.0, "cpu_time": 1.0, "time_unit": "ms", "rss_mib": 21.5}


class Values(unittest.TestCase):
    def test_a_benchmark_is_found_by_the_name_it_was_given(self):
        for name in ("commit/1000/iterations:150/real_time", "commit/iterations:150/1000/real_time", "commit/1000/manual_time", "commit/1000"):
            self.assertEqual(measure.plain_name(name), "commit/1000")

    def test_of_a_report_the_medians_count(self):
        report = {"benchmarks": [ENTRY, {**ENTRY, "aggregate_name": "mean", "real_time": 9.0}, {**ENTRY, "run_name": "broken", "error_occurred": True}]}
        found = measure.benchmarks_of(report, "program", 3)
        self.assertEqual(list(found), ["commit/1000"])
        self.assertEqual(found["commit/1000"]["real_time"], 3.0)
        single = {k: v for k, v in ENTRY.items() if k != "aggregate_name"}
        self.assertEqual(measure.benchmarks_of({"benchmarks": [single]}, "program", 3), {})
        self.assertEqual(list(measure.benchmarks_of({"benchmarks": [single]}, "program", 1)), ["commit/1000"])

    def test_a_row_is_time_for_one_operation_or_a_rate_or_a_counter(self):
        found = {"commit/1000": ENTRY}
        value = lambda **how: measure.bench_value(found, rows.Bench("program", "commit/1000", **how))
        self.assertEqual(value(per=1000), 1.0)
        self.assertEqual(value(per=1000, wall=True), 3.0)
        self.assertAlmostEqual(value(per=1000, wall=True, rate=True), 1e6 / 3)
        self.assertEqual(value(counter="rss_mib"), 21.5)
        self.assertIsNone(measure.bench_value({}, rows.Bench("program", "commit/1000")))

    def test_a_peer_is_the_first_line_that_begins_so(self):
        found = measure.medians_of("now=5\nget: cpu min 1.0 us med 2.5 us | wall min 3.0 us med 4.0 us | best 1/s\nget: cpu min 9 us med 9 us | wall min 9 us med 9 us | x\n")
        self.assertEqual(measure.peer_value(found, rows.Peer("p", "p", (), "ge")), 2.5)
        self.assertEqual(measure.peer_value(found, rows.Peer("p", "p", (), "ge", wall=True)), 4.0)
        self.assertIsNone(measure.peer_value(found, rows.Peer("p", "p", (), "flip")))


class Results(unittest.TestCase):
    def result(self, ours, peer, **row):
        return run.result_of(rows.Row("row", "unit", None, **row), ours, peer)

    def test_above_one_we_are_faster_in_time_and_in_rate(self):
        self.assertEqual(self.result([2.0, 1.0, 3.0], [8.0])["ratio"], 4.0)
        self.assertEqual(self.result([8.0], [2.0], rate=True)["ratio"], 4.0)

    def test_a_goal_is_met_or_missed_or_unknown(self):
        self.assertTrue(self.result([1.0], [2.0], ratio=2)["met"])
        self.assertFalse(self.result([1.1], [2.0], ratio=2)["met"])
        self.assertIsNone(self.result([1.0], [None], ratio=2)["met"])
        self.assertTrue(self.result([0.5], [], at_most=0.5)["met"])
        self.assertFalse(self.result([99.0], [], at_least=100, rate=True)["met"])
        self.assertIsNone(self.result([None], [], at_most=1)["met"])
        self.assertIsNone(self.result([1.0], [])["met"])

    def test_rows_are_told_apart_by_name_and_say_what_bounds_them(self):
        names = [r.name for r in rows.ROWS]
        self.assertEqual(len(names), len(set(names)))
        for row in rows.ROWS:
            self.assertTrue(row.bound, row.name)


if __name__ == "__main__":
    unittest.main()
