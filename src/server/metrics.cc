#include "server/metrics.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "base/json_writer.h"

namespace bulla::server {
namespace {

constexpr std::array<std::string_view, MetricsShard::kStatusClasses> kStatuses{
    "1xx", "2xx", "3xx", "4xx", "5xx", "other"};
constexpr std::uint64_t kFirstBucketNanos = 4'000;

std::size_t status_class(int status) {
  if (status < 100 || status > 599) return MetricsShard::kStatusClasses - 1;
  return static_cast<std::size_t>(status) / 100 - 1;
}

// The bucket whose bound, 4 µs · 2^i, is the first that is not below `nanos`.
std::size_t bucket_of(std::uint64_t nanos) {
  if (nanos <= kFirstBucketNanos) return 0;
  const std::uint64_t units = (nanos - 1) / kFirstBucketNanos;
  return std::min<std::size_t>(std::bit_width(units), MetricsShard::kBuckets);
}

// Only its own thread writes a shard, so no atomic addition is needed.
void bump(std::atomic<std::uint64_t>& counter, std::uint64_t by) {
  counter.store(counter.load(std::memory_order_relaxed) + by,
                std::memory_order_relaxed);
}

std::uint64_t read(const std::atomic<std::uint64_t>& counter) {
  return counter.load(std::memory_order_relaxed);
}

void begin(std::string& out, std::string_view name, std::string_view type,
           std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP {0} {2}\n# TYPE {0} {1}\n",
                 name, type, help);
}

template <typename Number>
void single(std::string& out, std::string_view name, std::string_view type,
            std::string_view help, Number value) {
  begin(out, name, type, help);
  fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
}

using Shards = std::vector<std::unique_ptr<MetricsShard>>;

void request_lines(std::string& out, const Shards& shards) {
  begin(out, "bulla_requests_total", "counter",
        "Requests answered, by operation and class of HTTP status.");
  for (std::size_t op = 0; op < MetricsShard::kOperations; ++op) {
    for (std::size_t status = 0; status < kStatuses.size(); ++status) {
      std::uint64_t sum = 0;
      for (const auto& shard : shards) sum += read(shard->requests[op][status]);
      if (sum == 0) continue;
      fmt::format_to(
          std::back_inserter(out),
          "bulla_requests_total{{operation=\"{}\",status=\"{}\"}} {}\n",
          api::operation_name(static_cast<api::Operation>(op)),
          kStatuses[status], sum);
    }
  }
}

void latency_lines(std::string& out, const Shards& shards) {
  constexpr std::string_view kName = "bulla_request_duration_seconds";
  begin(out, kName, "histogram", "Time from a request's bytes to its answer.");
  std::uint64_t below = 0;
  std::uint64_t nanos = 0;
  for (const auto& shard : shards) nanos += read(shard->latency_nanos);
  for (std::size_t i = 0; i <= MetricsShard::kBuckets; ++i) {
    for (const auto& shard : shards) below += read(shard->latency[i]);
    const std::string bound =
        i == MetricsShard::kBuckets
            ? "+Inf"
            : fmt::format("{}",
                          static_cast<double>(kFirstBucketNanos << i) / 1e9);
    fmt::format_to(std::back_inserter(out), "{}_bucket{{le=\"{}\"}} {}\n",
                   kName, bound, below);
  }
  fmt::format_to(std::back_inserter(out), "{0}_sum {1}\n{0}_count {2}\n", kName,
                 static_cast<double>(nanos) / 1e9, below);
}

// The fields of /proc/self/stat behind the command's name, which may itself
// hold spaces and brackets; field 3 of proc(5) is the first.
std::vector<std::string> stat_fields() {
  std::ifstream in("/proc/self/stat");
  std::string text(std::istreambuf_iterator<char>(in), {});
  const std::size_t bracket = text.rfind(')');
  if (bracket == std::string::npos) return {};
  std::vector<std::string> fields;
  std::size_t at = bracket + 2;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    fields.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return fields;
}

std::uint64_t number(const std::string& text) {
  return std::strtoull(text.c_str(), nullptr, 10);
}

std::uint64_t boot_time() {
  std::ifstream in("/proc/stat");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("btime ")) return number(line.substr(6));
  }
  return 0;
}

void process_lines(std::string& out) {
  const auto fields = stat_fields();
  constexpr std::size_t kUser = 11, kSystem = 12, kStart = 19, kPages = 21;
  if (fields.size() <= kPages) return;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto seconds = [&](std::size_t field) {
    return static_cast<double>(number(fields[field])) / ticks;
  };
  single(out, "process_cpu_seconds_total", "counter",
         "User and system time spent.", seconds(kUser) + seconds(kSystem));
  single(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
         number(fields[kPages]) * page);
  single(out, "process_start_time_seconds", "gauge",
         "When the process started, since the epoch.",
         static_cast<double>(boot_time()) + seconds(kStart));
  std::error_code error;
  std::filesystem::directory_iterator it("/proc/self/fd", error);
  if (error) return;
  const auto open = std::distance(begin(it), end(it));
  single(out, "process_open_fds", "gauge", "Open file descriptors.",
         open > 0 ? open - 1 : 0);  // less the one that counted them
}

// One sample of the text format: name{label="value",…} number.
struct Sample {
  std::string_view name;
  std::map<std::string, std::string> labels;
  std::string_view value;
};

std::map<std::string, std::string> parse_labels(std::string_view text) {
  std::map<std::string, std::string> labels;
  while (!text.empty()) {
    const std::size_t equals = text.find("=\"");
    if (equals == std::string_view::npos) break;
    std::string value;
    std::size_t at = equals + 2;
    for (; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\' && at + 1 < text.size()) ++at;
      const bool newline = text[at] == 'n' && text[at - 1] == '\\';
      value += newline ? '\n' : text[at];
    }
    labels.emplace(text.substr(0, equals), std::move(value));
    text.remove_prefix(std::min(at + 1, text.size()));
    if (text.starts_with(',')) text.remove_prefix(1);
  }
  return labels;
}

Sample parse_sample(std::string_view line) {
  Sample sample;
  const std::size_t space = line.rfind(' ');
  if (space == std::string_view::npos) return sample;
  sample.value = line.substr(space + 1);
  std::string_view head = line.substr(0, space);
  if (const std::size_t brace = head.find('{');
      brace != std::string_view::npos && head.ends_with('}')) {
    sample.labels =
        parse_labels(head.substr(brace + 1, head.size() - brace - 2));
    head = head.substr(0, brace);
  }
  sample.name = head;
  return sample;
}

void write_sample(std::string& out, const Sample& sample,
                  std::string_view member) {
  if (!out.empty()) out += ',';
  JsonWriter writer(out);
  writer.begin_object().key(member).raw(sample.value);
  writer.key("Labels").begin_object();
  for (const auto& [key, value] : sample.labels) writer.member(key, value);
  writer.end_object().member("Name", sample.name).end_object();
}

bool is_number(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789.e+-") == std::string_view::npos;
}

}  // namespace

void MetricsShard::count(api::Operation operation, int status,
                         std::uint64_t nanos) {
  const auto op =
      std::min(static_cast<std::size_t>(operation), kOperations - 1);
  bump(requests[op][status_class(status)], 1);
  bump(latency[bucket_of(nanos)], 1);
  bump(latency_nanos, nanos);
}

MetricsShard& Metrics::new_shard() {
  const std::lock_guard lock(mutex_);
  return *shards_.emplace_back(std::make_unique<MetricsShard>());
}

void Metrics::add_collector(Collector collector) {
  const std::lock_guard lock(mutex_);
  collectors_.push_back(std::move(collector));
}

std::string Metrics::prometheus() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  request_lines(out, shards_);
  latency_lines(out, shards_);
  for (const Collector& collect : collectors_) collect(out);
  process_lines(out);
  return out;
}

std::string Metrics::json(std::string_view timestamp) const {
  const std::string text = prometheus();
  std::string gauges;
  std::string counters;
  std::map<std::string, std::string, std::less<>> types;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.starts_with("# TYPE ")) {
      const std::string_view about = line.substr(7);
      const std::size_t space = std::min(about.find(' '), about.size());
      types.emplace(about.substr(0, space), about.substr(space + 1));
    }
    if (line.starts_with('#')) continue;
    const Sample sample = parse_sample(line);
    const auto type = types.find(sample.name);
    if (type == types.end() || !is_number(sample.value)) continue;
    if (type->second == "gauge") write_sample(gauges, sample, "Value");
    if (type->second == "counter") write_sample(counters, sample, "Count");
  }
  std::string out;
  JsonWriter(out)
      .begin_object()
      .key("Counters")
      .raw('[' + counters + ']')
      .key("Gauges")
      .raw('[' + gauges + ']')
      .key("Points")
      .raw("[]")
      .key("Samples")
      .raw("[]")
      .member("Timestamp", timestamp)
      .end_object();
  return out;
}

std::string prometheus_label(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    out += c;
  }
  return out;
}

}  // namespace bulla::server
