#include "metrics/metrics.hpp"

#include <charconv>
#include <cmath>

namespace phala {
namespace {

std::string number(double value) {
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  if (std::isnan(value)) return "NaN";
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

std::string escaped(const std::string& value, bool quotes) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || (quotes && c == '"')) out += {'\\', c};
    else if (c == '\n') out += "\\n";
    else out += c;
  }
  return out;
}

void line(std::string& out, const std::string& name, const Labels& labels, const std::string& value) {
  out += name;
  if (!labels.empty()) {
    out += '{';
    for (size_t i = 0; i < labels.size(); ++i) out += (i ? "," : "") + labels[i].first + "=\"" + escaped(labels[i].second, true) + '"';
    out += '}';
  }
  out += ' ' + value + '\n';
}

Labels joined(const Labels& a, const Labels& b) {
  Labels out = a;
  out.insert(out.end(), b.begin(), b.end());
  return out;
}

}  // namespace

void Histogram::observe(double value) {
  size_t bucket = 0;
  while (bucket < bounds_.size() && value > bounds_[bucket]) ++bucket;
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  double sum = sum_.load(std::memory_order_relaxed);
  while (!sum_.compare_exchange_weak(sum, sum + value, std::memory_order_relaxed)) {}
}

void Histogram::render(std::string& out, const std::string& name, const Labels& labels) const {
  u64 total = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    total += counts_[i].load(std::memory_order_relaxed);
    line(out, name + "_bucket", joined(labels, {{"le", i < bounds_.size() ? number(bounds_[i]) : "+Inf"}}), std::to_string(total));
  }
  line(out, name + "_sum", labels, number(sum_.load(std::memory_order_relaxed)));
  line(out, name + "_count", labels, std::to_string(total));
}

Counter& Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  auto& family = families_[name];
  family.help = help;
  return family.counters[labels];
}

Gauge& Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  auto& family = families_[name];
  family.help = help;
  return family.gauges[labels];
}

Histogram& Metrics::histogram(const std::string& name, const std::string& help, std::vector<double> bounds, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  auto& family = families_[name];
  family.help = help;
  return family.histograms.try_emplace(labels, std::move(bounds)).first->second;
}

std::string Metrics::render() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    const char* type = !family.counters.empty() ? "counter" : !family.gauges.empty() ? "gauge" : "histogram";
    out += "# HELP " + name + ' ' + escaped(family.help, false) + "\n# TYPE " + name + ' ' + type + '\n';
    for (const auto& [labels, counter] : family.counters) line(out, name, joined(common_, labels), std::to_string(counter.value()));
    for (const auto& [labels, gauge] : family.gauges) line(out, name, joined(common_, labels), number(gauge.value()));
    for (const auto& [labels, histogram] : family.histograms) histogram.render(out, name, joined(common_, labels));
  }
  return out;
}

}  // namespace phala
