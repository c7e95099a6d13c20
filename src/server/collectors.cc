#include "server/collectors.h"

#include <fmt/format.h>

#include "base/secret_bytes.h"
#include "engine/transit/transit.h"
#include "storage/metered.h"

namespace bulla::server {
namespace {

void meter_lines(std::string& out, std::string_view operation,
                 const storage::OpMeter& meter) {
  const auto seen = meter.snapshot();
  std::uint64_t below = 0;
  for (std::size_t i = 0; i + 1 < seen.buckets.size(); ++i) {
    below += seen.buckets[i];
    out += fmt::format(
        "bulla_storage_duration_seconds_bucket{{operation=\"{}\",le=\"{}\"}} "
        "{}\n",
        operation, static_cast<double>(std::uint64_t{1} << i) / 1e6, below);
  }
  out += fmt::format(
      "bulla_storage_duration_seconds_bucket{{operation=\"{0}\",le=\"+Inf\"}} "
      "{1}\nbulla_storage_duration_seconds_sum{{operation=\"{0}\"}} {2}\n"
      "bulla_storage_duration_seconds_count{{operation=\"{0}\"}} {1}\n",
      operation, seen.count, std::chrono::duration<double>(seen.total).count());
}

void storage_lines(std::string& out, const storage::StorageMeters& meters) {
  out +=
      "# HELP bulla_storage_duration_seconds Time the storage engine took.\n"
      "# TYPE bulla_storage_duration_seconds histogram\n";
  const std::pair<std::string_view, const storage::OpMeter*> operations[] = {
      {"get", &meters.get},
      {"commit", &meters.commit},
      {"list", &meters.list},
      {"scan", &meters.scan}};
  for (const auto& [name, meter] : operations) meter_lines(out, name, *meter);
  out +=
      "# HELP bulla_storage_errors_total Calls that the storage engine "
      "failed.\n"
      "# TYPE bulla_storage_errors_total counter\n";
  for (const auto& [name, meter] : operations) {
    out += fmt::format("bulla_storage_errors_total{{operation=\"{}\"}} {}\n",
                       name, meter->snapshot().errors);
  }
}

void seal_lines(std::string& out, Core& core) {
  out += fmt::format(
      "# HELP vault_core_unsealed Whether the server is unsealed.\n"
      "# TYPE vault_core_unsealed gauge\nvault_core_unsealed {0}\n"
      "# HELP bulla_unsealed Whether the server is unsealed.\n"
      "# TYPE bulla_unsealed gauge\nbulla_unsealed {0}\n",
      core.serving() ? 1 : 0);
  out += fmt::format(
      "# HELP bulla_secret_memory_locked Whether all memory of secrets is "
      "locked.\n"
      "# TYPE bulla_secret_memory_locked gauge\n"
      "bulla_secret_memory_locked {}\n",
      secret_memory_locked() ? 1 : 0);
  const auto status = core.barrier().key_status();
  if (!status) return;
  out += fmt::format(
      "# HELP bulla_keyring_term The active term of the keyring.\n"
      "# TYPE bulla_keyring_term gauge\nbulla_keyring_term {}\n"
      "# HELP bulla_keyring_encryptions Values sealed under the active term.\n"
      "# TYPE bulla_keyring_encryptions gauge\n"
      "bulla_keyring_encryptions {}\n",
      status->term, status->encryptions);
}

void kek_line(std::string& out, std::string_view metric,
              const seal::ProviderHealth::Seen& seen,
              const std::string& value) {
  out += fmt::format("{}{{kind=\"{}\",name=\"{}\"}} {}\n", metric,
                     prometheus_label(seen.id.kind),
                     prometheus_label(seen.id.name), value);
}

void kek_lines(std::string& out, Core& core) {
  const auto all = core.health().seen();
  if (all.empty()) return;
  out +=
      "# HELP bulla_kek_up Whether the last probe of a seal's KEK went well.\n"
      "# TYPE bulla_kek_up gauge\n"
      "# HELP bulla_kek_probe_duration_seconds Time that the last probe took.\n"
      "# TYPE bulla_kek_probe_duration_seconds gauge\n"
      "# HELP bulla_kek_probes_total Probes of a seal's KEK.\n"
      "# TYPE bulla_kek_probes_total counter\n"
      "# HELP bulla_kek_probe_failures_total Probes that did not go well.\n"
      "# TYPE bulla_kek_probe_failures_total counter\n";
  for (const auto& seen : all) {
    if (seen.probes == 0) continue;
    kek_line(out, "bulla_kek_up", seen, seen.up ? "1" : "0");
    kek_line(
        out, "bulla_kek_probe_duration_seconds", seen,
        fmt::format("{}", std::chrono::duration<double>(seen.latency).count()));
    kek_line(out, "bulla_kek_probes_total", seen,
             fmt::format("{}", seen.probes));
    kek_line(out, "bulla_kek_probe_failures_total", seen,
             fmt::format("{}", seen.failures));
  }
}

// Of the active DEKs, and what is left under those before them.
void dek_lines(std::string& out, Core& core) {
  const auto deks = core.deks().list();
  if (!deks) return;
  std::string active =
      "# HELP bulla_dek_encryptions Encryptions by a scope's active DEK.\n"
      "# TYPE bulla_dek_encryptions gauge\n";
  std::uint64_t left = 0;
  for (const dek::DekInfo& info : *deks) {
    if (info.status == dek::Status::kDeprecated) {
      left += core.deks().uses(info.id).value_or(0);
    }
    if (info.status != dek::Status::kActive) continue;
    active += fmt::format("bulla_dek_encryptions{{scope=\"{}\"}} {}\n",
                          prometheus_label(info.scope),
                          core.deks().encryptions(info.id).value_or(0));
  }
  out += active;
  out += fmt::format(
      "# HELP bulla_deprecated_dek_records Records under deprecated DEKs.\n"
      "# TYPE bulla_deprecated_dek_records gauge\n"
      "bulla_deprecated_dek_records {}\n",
      left);
}

using engine::transit::TransitMetrics;
using TransitMounts = std::vector<std::pair<std::string, TransitMetrics>>;

void operation_lines(std::string& out, std::string_view mount,
                     const engine::transit::TransitMetrics& seen) {
  const std::pair<std::string_view, std::uint64_t> rows[] = {
      {"encrypt", seen.encrypt}, {"decrypt", seen.decrypt},
      {"rewrap", seen.rewrap},   {"datakey", seen.datakey},
      {"hmac", seen.hmac},       {"cmac", seen.cmac},
      {"sign", seen.sign},       {"verify", seen.verify},
      {"random", seen.random},   {"hash", seen.hash}};
  for (const auto& [operation, count] : rows) {
    out += fmt::format(
        "bulla_transit_operations_total{{mount=\"{}\",operation=\"{}\"}} "
        "{}\n",
        mount, operation, count);
  }
}

TransitMounts transit_mounts(Core& core) {
  TransitMounts found;
  for (const auto& mount : core.mounts().table().load()->all()) {
    const auto* transit = dynamic_cast<const engine::transit::TransitBackend*>(
        mount->backend.get());
    if (transit == nullptr) continue;
    found.emplace_back(prometheus_label(mount->config.path),
                       transit->metrics());
  }
  return found;
}

// One figure of each mount.
void family(std::string& out, const TransitMounts& mounts,
            std::string_view name, std::string_view type, std::string_view help,
            std::uint64_t TransitMetrics::*figure) {
  out += fmt::format(
      "# HELP bulla_transit_{0} {1}\n# TYPE bulla_transit_{0} {2}\n", name,
      help, type);
  for (const auto& [mount, seen] : mounts) {
    out += fmt::format("bulla_transit_{}{{mount=\"{}\"}} {}\n", name, mount,
                       seen.*figure);
  }
}

// Each family in one piece, as the format asks.
void transit_lines(std::string& out, Core& core) {
  const TransitMounts mounts = transit_mounts(core);
  out +=
      "# HELP bulla_transit_operations_total Transit requests answered.\n"
      "# TYPE bulla_transit_operations_total counter\n";
  for (const auto& [mount, seen] : mounts) operation_lines(out, mount, seen);
  family(out, mounts, "items_total", "counter",
         "Messages, each of a batch counted.", &TransitMetrics::items);
  family(out, mounts, "version_operations_max", "gauge",
         "Encryptions by the key version in use that did most.",
         &TransitMetrics::highest_operations);
  family(out, mounts, "limit_rotations_total", "counter",
         "Keys rotated because a version had reached max_operations.",
         &TransitMetrics::limit_rotations);
}

}  // namespace

void add_collectors(Core& core, storage::Storage& storage) {
  core.metrics().add_collector(
      [&core](std::string& out) { seal_lines(out, core); });
  core.metrics().add_collector(
      [&core](std::string& out) { kek_lines(out, core); });
  core.metrics().add_collector(
      [&core](std::string& out) { dek_lines(out, core); });
  core.metrics().add_collector(
      [&core](std::string& out) { transit_lines(out, core); });
  if (const auto* metered = dynamic_cast<storage::MeteredStorage*>(&storage)) {
    core.metrics().add_collector(
        [metered](std::string& out) { storage_lines(out, metered->meters()); });
  }
}

}  // namespace bulla::server
