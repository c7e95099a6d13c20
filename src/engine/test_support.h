#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/backend.h"
#include "barrier/barrier.h"
#include "base/encoding.h"
#include "base/json.h"
#include "crypto/rng.h"
#include "engine/kv/test_records.h"
#include "engine/test_managed_keys.h"
#include "storage/fault.h"
#include "storage/memory.h"

namespace bulla::engine {

/// A clock that a test steps.
class TestClock final : public Clock {
 public:
  Time now() const override { return time; }
  Time time = from_unix_nanos(1'700'000'000'000'000'000);
};

/// Random bytes that are all zero: for vectors.
class ZeroRng final : public crypto::Rng {
 public:
  void fill(ByteSpan out) override { std::ranges::fill(out, std::uint8_t{0}); }
};

/// Remembers what backends announce, or refuses it.
class TestEvents final : public api::EventSink {
 public:
  Result<void> announce(const api::OwnAction& action) override {
    if (refuses) return fail(internal_error("not audited"));
    const std::lock_guard lock(mutex_);
    lines.push_back(std::string(action.path) + ' ' + std::string(action.data));
    return {};
  }
  bool refuses = false;
  std::vector<std::string> lines;

 private:
  std::mutex mutex_;
};

/// What a handler answered.
struct Outcome {
  bool ok = false;
  ErrorCode code = ErrorCode::kInternal;  // of a failure
  std::string error;
  api::Response response;
  std::string data;

  int status() const { return response.status; }
  /// The JSON text at a pointer ("/keys/1"); strings without their quotes;
  /// "<absent>" when there is nothing.
  std::string at(std::string_view pointer) const {
    JsonParser parser;
    JsonLimits limits;  // of requests, not of what we answer
    limits.object_entries = 1'000'000;
    const auto root = parse_json(parser, data, limits);
    if (!root) return "<no JSON>";
    JsonElement found;
    if (root->at_pointer(pointer).get(found) != simdjson::SUCCESS) {
      return "<absent>";
    }
    if (found.is_string()) return std::string(found.get_string().value());
    return json_text(found);
  }
};

/// What "*name" of a pattern that ends in it captures of `path`.
inline std::optional<api::PathParam> rest_of(std::string_view pattern,
                                             std::string_view path) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return std::nullopt;
  const std::string_view name = pattern.substr(star + 1);
  const std::string_view before = pattern.substr(0, star);
  if (path.starts_with(before)) {
    return api::PathParam{name, path.substr(before.size())};
  }
  if (!before.empty() && path == before.substr(0, before.size() - 1)) {
    return api::PathParam{name, {}};
  }
  return std::nullopt;
}

/// Finds the route of `path` as the server does, for tests.
inline const api::Route* match_route(const std::vector<api::Route>& routes,
                                     std::string_view path,
                                     std::vector<api::PathParam>& params) {
  const auto segments = [](std::string_view text) {
    std::vector<std::string_view> parts;
    while (true) {
      const std::size_t slash = text.find('/');
      parts.push_back(text.substr(0, slash));
      if (slash == std::string_view::npos) return parts;
      text.remove_prefix(slash + 1);
    }
  };
  const api::Route* best = nullptr;
  std::size_t best_literals = 0;
  for (const api::Route& route : routes) {
    if (route.pattern == path) {
      params.clear();
      return &route;
    }
    std::vector<api::PathParam> captured;
    if (const auto rest = rest_of(route.pattern, path)) {
      // Any literal beats none; there is one level of them at most.
      const bool literal = !route.pattern.starts_with('*');
      if (best != nullptr && !literal) continue;
      best = &route;
      best_literals = literal ? 1 : 0;
      params = {*rest};
      continue;
    }
    const auto want = segments(route.pattern);
    const auto have = segments(path);
    if (want.size() != have.size() ||
        route.pattern.find('*') != std::string_view::npos)
      continue;
    std::size_t literals = 0;
    bool fits = true;
    for (std::size_t i = 0; fits && i < want.size(); ++i) {
      if (want[i].starts_with(':')) {
        // "~" takes any text, which a test may give anyway.
        std::string_view name = want[i].substr(1);
        if (name.ends_with('~')) name.remove_suffix(1);
        captured.push_back({name, have[i]});
      } else {
        fits = want[i] == have[i];
        ++literals;
      }
    }
    if (!fits || (best != nullptr && literals <= best_literals)) continue;
    best = &route;
    best_literals = literals;
    params = captured;
  }
  return best;
}

/// Runs the handler of `operation` at `path` as the server would, on the
/// worker pool unless the context says otherwise.
inline Outcome run(api::Backend& backend, api::Context& context,
                   api::Operation operation, std::string_view path,
                   std::string_view body) {
  Outcome outcome;
  std::vector<api::PathParam> params;
  const api::Route* route = match_route(backend.routes(), path, params);
  if (route == nullptr) {
    outcome.error = "no route";
    return outcome;
  }
  const auto wanted = operation == api::Operation::kCreate
                          ? api::Operation::kUpdate
                          : operation;
  const auto method =
      std::ranges::find(route->methods, wanted, &api::Method::operation);
  if (method == route->methods.end()) {
    outcome.error = "unsupported operation";
    return outcome;
  }
  JsonParser parser;
  api::Request request;
  request.operation = operation;
  request.relative = path;
  std::optional<JsonObject> object;
  if (!body.empty()) {
    const auto parsed = parse_json(parser, body);
    if (!parsed || !parsed->is_object()) {
      outcome.error = "the test's body is no JSON object";
      return outcome;
    }
    object = parsed->get_object().value();
  }
  const auto fail_with = [&](const Error& error) {
    outcome.code = error.code();
    outcome.error = error.message();
    return std::move(outcome);
  };
  const auto bound = request.fields.bind(route->fields, params, object);
  if (!bound) return fail_with(bound.error());
  if (operation == api::Operation::kUpdate && route->exists) {
    const auto exists = route->exists(request, context);
    if (!exists) return fail_with(exists.error());
    if (!*exists) request.operation = api::Operation::kCreate;
  }
  auto response = method->handler(request, context);
  if (!response) return fail_with(response.error());
  outcome.ok = true;
  outcome.response = *std::move(response);
  outcome.data = outcome.response.data;
  return outcome;
}

/// An opened barrier over memory, with faults in between.
class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    SecretBytes root(32);
    const auto change = barrier_.create(root);
    EXPECT_TRUE(change && memory_.commit({&*change, 1}));
    config_.path = "mount/";
    config_.uuid = "6f1c1b9e-3a0f-4f0e-9d3e-0c8f7a5b1e11";
  }

  api::BackendContext backend_context() {
    return {.storage = view_,
            .config = config_,
            .rng = rng_,
            .clock = clock_,
            .log = log_,
            .events = events_,
            .records = records_,
            .record_holders = record_holders_,
            .managed_keys = managed_keys_,
            .fips_mode = fips_mode_};
  }
  api::Context request_context(api::LoopState& loop) {
    api::Context context;
    context.now = clock_.time;
    context.rng = request_rng_;
    context.loop = &loop;
    return context;
  }

  storage::MemoryStorage memory_;
  storage::FaultStorage storage_{memory_};
  crypto::SystemRng rng_;
  crypto::Rng* request_rng_ = &rng_;
  TestClock clock_;
  Logger log_{clock_, LogLevel::kError, LogFormat::kStandard};
  barrier::Barrier barrier_{storage_, rng_, clock_};
  barrier::View view_{barrier_, "logical/mount/"};
  api::MountConfig config_;
  TestEvents events_;
  kv::TestRecords records_{rng_};
  dek::RecordHolders record_holders_;
  TestManagedKeys managed_keys_;
  bool fips_mode_ = false;
  api::LoopState loop_;
};

}  // namespace bulla::engine
