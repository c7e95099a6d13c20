#include "api/backend.h"

#include <atomic>

namespace bulla::api {
namespace {
std::atomic<std::uint64_t> next_backend_id{1};
}  // namespace

Backend::Backend() : id_(next_backend_id.fetch_add(1)) {}

}  // namespace bulla::api
