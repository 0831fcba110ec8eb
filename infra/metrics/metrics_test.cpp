#include "metrics/metrics.hpp"

#include <gtest/gtest.h>

namespace phala {
namespace {

TEST(Metrics, renders_the_text_format) {
  Metrics metrics({{"chain", "dev"}});
  metrics.gauge("substrate_block_height", "Block height", {{"status", "best"}}).set(12);
  metrics.gauge("substrate_block_height", "Block height", {{"status", "finalized"}}).set(11);
  metrics.counter("phala_errors_total", "Errors\nby \"kind\"", {{"kind", "a\"b"}}).add(3);
  auto& histogram = metrics.histogram("phala_time_seconds", "Time", {0.1, 1});
  for (const double value : {0.05, 0.1, 0.5, 7.0}) histogram.observe(value);
  EXPECT_EQ(metrics.render(),
            "# HELP phala_errors_total Errors\\nby \"kind\"\n# TYPE phala_errors_total counter\n"
            "phala_errors_total{chain=\"dev\",kind=\"a\\\"b\"} 3\n"
            "# HELP phala_time_seconds Time\n# TYPE phala_time_seconds histogram\n"
            "phala_time_seconds_bucket{chain=\"dev\",le=\"0.1\"} 2\n"
            "phala_time_seconds_bucket{chain=\"dev\",le=\"1\"} 3\n"
            "phala_time_seconds_bucket{chain=\"dev\",le=\"+Inf\"} 4\n"
            "phala_time_seconds_sum{chain=\"dev\"} 7.65\n"
            "phala_time_seconds_count{chain=\"dev\"} 4\n"
            "# HELP substrate_block_height Block height\n# TYPE substrate_block_height gauge\n"
            "substrate_block_height{chain=\"dev\",status=\"best\"} 12\n"
            "substrate_block_height{chain=\"dev\",status=\"finalized\"} 11\n");
}

TEST(Metrics, the_same_name_and_labels_are_the_same_object) {
  Metrics metrics;
  metrics.counter("a", "h").add();
  metrics.counter("a", "h").add();
  EXPECT_EQ(metrics.counter("a", "h").value(), 2u);
}

}  // namespace
}  // namespace phala
