#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/kv/kv.h"
#include "engine/test_support.h"

namespace bulla::engine::kv {

/// A version 2 mount, as "mount/".
class KvTest : public EngineTest {
 protected:
  explicit KvTest(std::string_view version = "2") {
    config_.options["version"] = version;
    backend_ = KvBackend::create(backend_context());
  }

  Outcome call(api::Operation operation, std::string_view path,
               std::string_view body = {}) {
    api::Context context = request_context(loop_);
    context.may_block = true;
    return run(*backend_, context, operation, path, body);
  }
  Outcome read(std::string_view path, std::string_view body = {}) {
    return call(api::Operation::kRead, path, body);
  }
  Outcome post(std::string_view path, std::string_view body) {
    return call(api::Operation::kUpdate, path, body);
  }
  Outcome patch(std::string_view path, std::string_view body) {
    return call(api::Operation::kPatch, path, body);
  }
  Outcome remove(std::string_view path) {
    return call(api::Operation::kDelete, path);
  }
  Outcome list(std::string_view path, std::string_view body = {}) {
    return call(api::Operation::kList, path, body);
  }
  /// Done, and nothing said.
  static bool is_none(const Outcome& outcome) {
    return outcome.ok && !outcome.response.present;
  }

  std::shared_ptr<KvBackend> backend_;
};

}  // namespace bulla::engine::kv
