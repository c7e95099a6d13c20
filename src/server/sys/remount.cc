#include <deque>

#include "server/request_decoder.h"
#include "server/sys/handlers.h"
#include "server/sys/mount_info.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

constexpr std::size_t kRememberedMax = 256;
constexpr std::string_view kAuthPrefix = "auth/";

struct Migration {
  std::string id;
  std::string source;
  std::string target;
  bool ok = false;
};

// The last moves that succeeded. A move is over when it is answered; clients
// ask all the same.
struct Migrations {
  std::mutex mutex;
  std::deque<Migration> last;
};

std::string path_of(const api::Request& request, std::string_view name) {
  return mount_path(request.fields.text(name), false);
}

Result<void> check(const std::string& from, const std::string& to) {
  if (from.empty() || to.empty()) {
    return fail(
        invalid_argument("both 'from' and 'to' path must be specified "
                         "as a string"));
  }
  // What no request could name must not become a mount.
  TRY(check_clean(to));
  const bool auth_from = from.starts_with(kAuthPrefix);
  const bool auth_to = to.starts_with(kAuthPrefix);
  if (auth_from && !auth_to) {
    return fail(
        invalid_argument("cannot remount auth mount to non-auth mount "
                         "\"" +
                         to + "\""));
  }
  return {};
}

Result<api::Response> remount(Core& core, Migrations& migrations,
                              const api::Request& request) {
  Migration move{core.rng().uuid(), path_of(request, "from"),
                 path_of(request, "to")};
  TRY(check(move.source, move.target));
  TRY(core.mounts().remount(move.source, move.target));
  std::string json;
  JsonWriter(json).begin_object().member("migration_id", move.id).end_object();
  const std::lock_guard lock(migrations.mutex);
  migrations.last.push_back(std::move(move));
  if (migrations.last.size() > kRememberedMax) migrations.last.pop_front();
  return duplicated(std::move(json))
      .warn(
          "Mount move has been queued. Progress will be reported in the "
          "server's log, tagged with the returned migration_id");
}

Result<api::Response> status(Migrations& migrations,
                             const api::Request& request) {
  const std::lock_guard lock(migrations.mutex);
  for (const Migration& move : migrations.last) {
    if (move.id != request.param("migration_id")) continue;
    std::string json;
    JsonWriter(json)
        .begin_object()
        .member("migration_id", move.id)
        .key("migration_info")
        .begin_object()
        .member("source_mount", move.source)
        .member("status", "success")
        .member("target_mount", move.target)
        .end_object()
        .end_object();
    return api::Response::with_data(std::move(json));
  }
  return api::Response::none();
}

}  // namespace

void add_remount_routes(Core& core, Routes& routes) {
  using api::FieldType;
  const auto migrations = std::make_shared<Migrations>();
  routes.push_back(
      {.pattern = "remount",
       .fields = {{"from", FieldType::kString, "The mount to move.", {}, true},
                  {"to", FieldType::kString, "Where it goes.", {}, true}},
       .methods = {{api::Operation::kUpdate, api::Cost::kPool,
                    [&core, migrations](const api::Request& request,
                                        api::Context&) {
                      return remount(core, *migrations, request);
                    },
                    "Moves a mount; its data stays."}},
       .synopsis = "Moves a mount to another path.",
       .sudo = true});
  routes.push_back(
      {.pattern = "remount/status/:migration_id",
       .fields = {{"migration_id", FieldType::kString, "Of the move."}},
       .methods = {{api::Operation::kRead, api::Cost::kPool,
                    [migrations](const api::Request& request, api::Context&) {
                      return status(*migrations, request);
                    },
                    "Tells whether a move succeeded."}},
       .synopsis = "The outcome of a move."});
}

}  // namespace bulla::server
