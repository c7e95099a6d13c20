#include "server/quotas.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/wire.h"

namespace bulla::server {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::string_view kRules = "rule/";
constexpr std::string_view kExempt = "exempt";

std::string rule_path(std::string_view name) {
  return std::string(kRules).append(name);
}

bool matches(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with('*')) return pattern == path;
  pattern.remove_suffix(1);
  return path.starts_with(pattern);
}

// How closely a rule fits: 0 not at all, 1 for everything, 2 for the mount,
// more for longer prefixes, most for the path itself.
std::size_t closeness(std::string_view rule, std::string_view path,
                      std::string_view mount_path) {
  if (rule.empty()) return 1;
  if (rule == mount_path) return 2;
  if (!matches(rule, path)) return 0;
  return rule.ends_with('*') ? 2 + rule.size() : SIZE_MAX;
}

SecretBytes serialize_paths(const std::vector<std::string>& paths) {
  WireWriter out;
  out.u8(kFormat).u32(static_cast<std::uint32_t>(paths.size()));
  for (const std::string& path : paths) out.text(path);
  return std::move(out).finish();
}

Result<std::vector<std::string>> parse_paths(ByteView record) {
  WireReader in(record);
  const std::uint8_t format = in.u8();
  const std::uint32_t count = in.u32();
  std::vector<std::string> paths;
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    paths.emplace_back(in.text());
  }
  TRY(in.finish("exempt paths"));
  if (format == kFormat) return paths;
  return fail(corrupt("exempt paths: unknown format"));
}

}  // namespace

SecretBytes serialize_quota(const QuotaRule& rule) {
  WireWriter out;
  out.u8(kFormat)
      .text(rule.path)
      .u64(rule.requests)
      .i64(rule.interval.count())
      .i64(rule.block_interval.count());
  return std::move(out).finish();
}

Result<QuotaRule> parse_quota(std::string name, ByteView record) {
  WireReader in(record);
  QuotaRule rule;
  const std::uint8_t format = in.u8();
  rule.name = std::move(name);
  rule.path = in.text();
  rule.requests = in.u64();
  rule.interval = Seconds(in.i64());
  rule.block_interval = Seconds(in.i64());
  TRY(in.finish("quota"));
  if (format == kFormat && rule.requests > 0 && rule.interval > Seconds{0} &&
      rule.block_interval >= Seconds{0}) {
    return rule;
  }
  return fail(corrupt("quota: a field is out of its bounds"));
}

Quota::Use& Quota::use_of(Shard& shard, std::string_view client,
                          Time now) const {
  const std::string key(client);
  if (const auto it = shard.clients.find(key); it != shard.clients.end()) {
    return it->second;
  }
  if (shard.clients.size() >= kClientsMax / kShards) {
    std::erase_if(shard.clients, [&](const auto& one) {
      return now >= one.second.start + rule_.interval &&
             now >= one.second.blocked_until;
    });
  }
  if (shard.clients.size() >= kClientsMax / kShards) return shard.others;
  return shard.clients[key];
}

std::optional<Duration> Quota::take(std::string_view client, Time now) {
  Shard& shard = shards_[std::hash<std::string_view>{}(client) % kShards];
  const std::lock_guard lock(shard.mutex);
  Use& use = use_of(shard, client, now);
  if (now < use.blocked_until) return use.blocked_until - now;
  // A clock that stepped back begins anew, too.
  if (now >= use.start + rule_.interval || now < use.start) {
    use.start = now;
    use.count = 0;
  }
  if (use.count < rule_.requests) {
    ++use.count;
    return std::nullopt;
  }
  if (rule_.block_interval > Seconds{0}) {
    use.blocked_until = now + rule_.block_interval;
    return rule_.block_interval;
  }
  return use.start + rule_.interval - now;
}

std::optional<QuotaRefusal> take_quota(const QuotaTable& table,
                                       std::string_view path,
                                       std::string_view mount_path,
                                       std::string_view client, Time now) {
  const auto is_exempt = [&](const std::string& pattern) {
    return matches(pattern, path);
  };
  if (std::ranges::any_of(table.exempt, is_exempt)) return std::nullopt;
  std::size_t closest = 1;
  for (const auto& quota : table.quotas) {
    closest =
        std::max(closest, closeness(quota->rule().path, path, mount_path));
  }
  std::optional<QuotaRefusal> refusal;
  for (const auto& quota : table.quotas) {
    if (closeness(quota->rule().path, path, mount_path) != closest) continue;
    const auto wait = quota->take(client, now);
    if (wait && (!refusal || *wait > refusal->wait)) {
      refusal = QuotaRefusal{&quota->rule(), *wait};
    }
  }
  return refusal;
}

std::vector<std::string> Quotas::default_exempt() {
  return {"sys/generate-recovery-token/*", "sys/generate-root/*", "sys/health",
          "sys/seal-status", "sys/unseal"};
}

Result<void> Quotas::load() {
  const std::lock_guard lock(write_mutex_);
  auto table = std::make_shared<QuotaTable>();
  TRY_ASSIGN(const auto names, view_.list(kRules));
  for (const std::string& name : names) {
    TRY_ASSIGN(const auto entry, view_.get(rule_path(name)));
    if (!entry) continue;
    TRY_ASSIGN(QuotaRule rule, parse_quota(name, entry->value.expose()));
    table->quotas.push_back(std::make_shared<Quota>(std::move(rule)));
  }
  TRY_ASSIGN(const auto exempt, view_.get(kExempt));
  table->exempt = default_exempt();
  if (exempt) {
    TRY_ASSIGN(table->exempt, parse_paths(exempt->value.expose()));
  }
  table_.publish(std::move(table));
  return {};
}

void Quotas::clear() { table_.publish(std::make_shared<const QuotaTable>()); }

Result<void> Quotas::set(const QuotaRule& rule) {
  const std::lock_guard lock(write_mutex_);
  auto table = std::make_shared<QuotaTable>(*table_.load());
  std::erase_if(table->quotas, [&](const auto& quota) {
    return quota->rule().name == rule.name;
  });
  if (table->quotas.size() >= kRulesMax) {
    return fail(invalid_argument("there are 1000 quotas already"));
  }
  for (const auto& quota : table->quotas) {
    if (quota->rule().path != rule.path ||
        quota->rule().interval != rule.interval) {
      continue;
    }
    return fail(invalid_argument(
        fmt::format("quota rule with similar properties exists under the name "
                    "\"{}\"",
                    quota->rule().name)));
  }
  TRY(view_.put(rule_path(rule.name), serialize_quota(rule).expose()));
  table->quotas.push_back(std::make_shared<Quota>(rule));
  std::ranges::sort(table->quotas, [](const auto& a, const auto& b) {
    return a->rule().name < b->rule().name;
  });
  table_.publish(std::move(table));
  return {};
}

Result<void> Quotas::remove(std::string_view name) {
  const std::lock_guard lock(write_mutex_);
  TRY(view_.remove(rule_path(name)));
  auto table = std::make_shared<QuotaTable>(*table_.load());
  std::erase_if(table->quotas,
                [&](const auto& quota) { return quota->rule().name == name; });
  table_.publish(std::move(table));
  return {};
}

Result<void> Quotas::set_exempt(std::vector<std::string> paths) {
  const std::lock_guard lock(write_mutex_);
  TRY(view_.put(kExempt, serialize_paths(paths).expose()));
  auto table = std::make_shared<QuotaTable>(*table_.load());
  table->exempt = std::move(paths);
  table_.publish(std::move(table));
  return {};
}

}  // namespace bulla::server
