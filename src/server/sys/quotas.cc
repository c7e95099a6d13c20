// sys/quotas/config, sys/quotas/rate-limit, …/:name.

#include <fmt/format.h>

#include <cmath>

#include "base/json_writer.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

constexpr double kRateMax = 1e12;
constexpr std::size_t kPathBytesMax = 512;
constexpr std::size_t kExemptMax = 1000;

const QuotaRule* find(const QuotaTable& table, std::string_view name) {
  for (const auto& quota : table.quotas) {
    if (quota->rule().name == name) return &quota->rule();
  }
  return nullptr;
}

// A mount stands with its slash; a leading one says nothing.
Result<std::string> path_of(Core& core, std::string_view text) {
  while (text.starts_with('/')) text.remove_prefix(1);
  if (text.empty()) return std::string();
  if (text.size() > kPathBytesMax) {
    return fail(invalid_argument("the path is longer than 512 bytes"));
  }
  const auto table = core.mounts().table().load();
  const Mount* const mount = table->find(text);
  if (mount == nullptr) {
    return fail(
        invalid_argument(fmt::format("invalid mount path \"{}\"", text)));
  }
  std::string path(text);
  if (path + '/' == mount->config.path) path += '/';
  return path;
}

Result<double> rate_of(const api::Fields& fields) {
  const auto raw = fields.raw("rate");
  double rate = 0;
  if (raw && raw->is_number()) {
    rate = raw->get_double().value_unsafe();
  } else if (raw) {
    TRY_ASSIGN(const std::int64_t whole, api::json_to_int(*raw));
    rate = static_cast<double>(whole);
  }
  if (rate > 0 && rate <= kRateMax) return rate;
  return fail(invalid_argument("'rate' is invalid"));
}

Result<api::Response> write(Core& core, const api::Request& request,
                            api::Context&) {
  const api::Fields& fields = request.fields;
  const auto table = core.quotas().table().load();
  const QuotaRule* const former = find(*table, request.param("name"));
  QuotaRule rule = former != nullptr ? *former : QuotaRule();
  rule.name = request.param("name");
  if (!fields.text("role").empty()) {
    return fail(invalid_argument("quotas of one role are not kept here"));
  }
  if (fields.has("path")) {
    TRY_ASSIGN(rule.path, path_of(core, fields.text("path")));
  }
  if (fields.has("rate") || former == nullptr) {
    TRY_ASSIGN(const double rate, rate_of(fields));
    rule.requests = static_cast<std::uint64_t>(std::ceil(rate));
  }
  rule.interval = fields.duration("interval", rule.interval);
  rule.block_interval = fields.duration("block_interval", rule.block_interval);
  if (rule.interval <= Seconds{0}) {
    return fail(invalid_argument("'interval' is invalid"));
  }
  TRY(core.quotas().set(rule));
  return api::Response::none();
}

Result<api::Response> read(Core& core, const api::Request& request,
                           api::Context&) {
  const auto table = core.quotas().table().load();
  const QuotaRule* const rule = find(*table, request.param("name"));
  if (rule == nullptr) return api::Response::none();
  std::string json;
  JsonWriter(json)
      .begin_object()
      .member("block_interval", rule->block_interval.count())
      .member("inheritable", false)
      .member("interval", rule->interval.count())
      .member("name", rule->name)
      .member("path", rule->path)
      .member("rate", rule->requests)
      .member("role", "")
      .member("type", "rate-limit")
      .end_object();
  return api::Response::with_data(std::move(json));
}

Result<api::Response> list(Core& core, const api::Request& request,
                           api::Context&) {
  const auto table = core.quotas().table().load();
  std::vector<std::string> all;
  for (const auto& quota : table->quotas) all.push_back(quota->rule().name);
  const auto names = page(all, request.fields);
  if (names.empty()) return api::Response::none();
  std::string json;
  JsonWriter(json).begin_object().key("keys").strings(names).end_object();
  return api::Response::with_data(std::move(json));
}

Result<api::Response> remove(Core& core, const api::Request& request,
                             api::Context&) {
  TRY(core.quotas().remove(request.param("name")));
  return api::Response::none();
}

Result<api::Response> read_config(Core& core, const api::Request&,
                                  api::Context&) {
  std::string json;
  JsonWriter out(json);
  out.begin_object()
      .member("enable_rate_limit_audit_logging", false)
      .member("enable_rate_limit_response_headers", true)
      .key("rate_limit_exempt_paths")
      .strings(core.quotas().table().load()->exempt);
  out.end_object();
  return api::Response::with_data(std::move(json));
}

Result<api::Response> write_config(Core& core, const api::Request& request,
                                   api::Context&) {
  if (!request.fields.has("rate_limit_exempt_paths")) {
    return api::Response::none();
  }
  auto paths = request.fields.strings("rate_limit_exempt_paths");
  if (paths.size() > kExemptMax) {
    return fail(invalid_argument("more exempt paths than 1000"));
  }
  TRY(core.quotas().set_exempt(std::move(paths)));
  return api::Response::none();
}

std::vector<api::Field> rule_fields() {
  using api::FieldType;
  return {
      {"name", FieldType::kString, "The quota's name."},
      {"path", FieldType::kString,
       "A mount, a path, or what paths begin with and '*'; \"\" for all."},
      {"rate", FieldType::kAny, "Requests of one client in an interval."},
      {"interval", FieldType::kDuration, "The time that is counted.", "1"},
      {"block_interval", FieldType::kDuration,
       "How long a client gets nothing that asked for more.", "0"},
      {"role", FieldType::kString, "Must be empty."},
      {"inheritable", FieldType::kBool, "Kept for compatibility.", "false"},
      {"type", FieldType::kString, "Kept for compatibility."},
  };
}

}  // namespace

void add_quota_routes(Core& core, Routes& routes) {
  using api::FieldType;
  using api::Operation;
  routes.push_back(
      {.pattern = "quotas/config",
       .fields = {{"rate_limit_exempt_paths", FieldType::kCommaStringSlice,
                   "Paths that no quota holds back."}},
       .methods = {method(core, Operation::kRead, read_config,
                          "Reads what holds for all quotas."),
                   method(core, Operation::kUpdate, write_config,
                          "Writes what holds for all quotas.")},
       .synopsis = "What holds for all quotas."});
  routes.push_back(
      {.pattern = "quotas/rate-limit",
       .fields = page_fields(),
       .methods = {method(core, Operation::kList, list, "Lists the quotas.")},
       .synopsis = "The rate limits."});
  routes.push_back(
      {.pattern = "quotas/rate-limit/:name",
       .fields = rule_fields(),
       .methods = {method(core, Operation::kRead, read, "Reads a quota."),
                   method(core, Operation::kUpdate, write,
                          "Adds or replaces a quota."),
                   method(core, Operation::kDelete, remove,
                          "Deletes a quota.")},
       .synopsis = "One rate limit."});
}

}  // namespace bulla::server
