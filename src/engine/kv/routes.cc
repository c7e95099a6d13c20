// The route tables of a key-value mount: one a version.

#include "engine/kv/kv.h"

namespace bulla::engine::kv {
namespace {

using api::Field;
using api::FieldType;
using api::Operation;
using api::Route;

constexpr Field kPath{.name = "path", .description = "Where in the mount."};
constexpr Field kVersion{.name = "version",
                         .type = FieldType::kInt,
                         .description = "Which version; 0 is the current one.",
                         .default_text = "0"};
constexpr Field kVersions{.name = "versions",
                          .type = FieldType::kCommaIntSlice,
                          .description = "Which versions."};
constexpr Field kMaxVersions{
    .name = "max_versions",
    .type = FieldType::kInt,
    .description =
        "How many versions are kept; 0 leaves it to the mount, "
        "which keeps 10.",
    .default_text = "0"};
constexpr Field kCasRequired{
    .name = "cas_required",
    .type = FieldType::kBool,
    .description = "Whether every write has to give the `cas` option.",
    .default_text = "false"};
constexpr Field kMetadataCasRequired{
    .name = "metadata_cas_required",
    .type = FieldType::kBool,
    .description =
        "Whether every change of metadata has to give "
        "metadata_cas.",
    .default_text = "false"};
constexpr Field kAfter{.name = "after",
                       .description = "List names after this one."};
constexpr Field kLimit{.name = "limit",
                       .type = FieldType::kInt,
                       .description = "At most so many names.",
                       .default_text = "0"};

}  // namespace

api::Handler KvBackend::handler(Member member) {
  return [this, member](const Request& request, Context& context) {
    return (this->*member)(request, context);
  };
}

api::Method KvBackend::method(Operation operation, Member member,
                              std::string_view summary) {
  return {.operation = operation,
          .cost = api::Cost::kPool,
          .handler = handler(member),
          .summary = summary};
}

void KvBackend::add_data_routes(std::vector<Route>& routes) {
  routes.push_back(
      {.pattern = "data/*path",
       .fields = {kPath,
                  kVersion,
                  {.name = "data",
                   .type = FieldType::kMap,
                   .description = "What is stored, and read back."},
                  {.name = "options",
                   .type = FieldType::kMap,
                   .description = "`cas`: the version that has to be the "
                                  "current one for the write to be done; 0 "
                                  "for none at all."}},
       .methods = {method(Operation::kRead, &KvBackend::data_read,
                          "Reads a version."),
                   method(Operation::kUpdate, &KvBackend::data_write,
                          "Writes a new version."),
                   method(Operation::kPatch, &KvBackend::data_patch,
                          "Writes a new version: the current one with a JSON "
                          "merge patch applied."),
                   method(Operation::kDelete, &KvBackend::data_delete,
                          "Deletes the current version; undelete brings it "
                          "back.")},
       .exists = [this](const Request& request,
                        Context& context) { return exists(request, context); },
       .synopsis = "Writes, patches, reads and deletes data."});
  routes.push_back(
      {.pattern = "subkeys/*path",
       .fields = {kPath,
                  kVersion,
                  {.name = "depth",
                   .type = FieldType::kInt,
                   .description = "How many levels are shown; 0 for all.",
                   .default_text = "0"}},
       .methods = {method(Operation::kRead, &KvBackend::subkeys)},
       .synopsis = "Reads the names in the data, without its values."});
}

void KvBackend::add_version_routes(std::vector<Route>& routes) {
  routes.push_back(
      {.pattern = "delete/*path",
       .fields = {kPath, kVersions},
       .methods = {method(Operation::kUpdate, &KvBackend::versions_delete)},
       .synopsis = "Deletes versions; undelete brings them back."});
  routes.push_back(
      {.pattern = "undelete/*path",
       .fields = {kPath, kVersions},
       .methods = {method(Operation::kUpdate, &KvBackend::versions_undelete)},
       .synopsis = "Brings deleted versions back."});
  routes.push_back(
      {.pattern = "destroy/*path",
       .fields = {kPath, kVersions},
       .methods = {method(Operation::kUpdate, &KvBackend::versions_destroy)},
       .synopsis = "Removes the data of versions for good."});
}

void KvBackend::add_metadata_routes(std::vector<Route>& routes) {
  routes.push_back(
      {.pattern = "metadata/*path",
       .fields = {kPath,
                  kMaxVersions,
                  kCasRequired,
                  kMetadataCasRequired,
                  {.name = "metadata_cas",
                   .type = FieldType::kInt,
                   .description = "The version of the metadata that has to be "
                                  "the current one; 0 for none at all."},
                  {.name = "delete_version_after",
                   .type = FieldType::kDuration,
                   .description = "When new versions are deleted by "
                                  "themselves; 0 leaves it to the mount.",
                   .default_text = "0"},
                  {.name = "custom_metadata",
                   .type = FieldType::kMap,
                   .description = "Texts of the caller's own; `type` is the "
                                  "record's type."},
                  kAfter,
                  kLimit},
       .methods = {method(Operation::kRead, &KvBackend::metadata_read,
                          "Reads a record's metadata."),
                   method(Operation::kUpdate, &KvBackend::metadata_write,
                          "Changes a record's metadata."),
                   method(Operation::kPatch, &KvBackend::metadata_patch,
                          "Changes parts of it; null takes a value back."),
                   method(Operation::kDelete, &KvBackend::metadata_delete,
                          "Removes a record with all its versions."),
                   method(Operation::kList, &KvBackend::metadata_list,
                          "Lists names.")},
       .exists = [this](const Request& request,
                        Context& context) { return exists(request, context); },
       .synopsis = "The metadata of records, and their names."});
  routes.push_back({.pattern = "detailed-metadata/*path",
                    .fields = {kPath, kAfter, kLimit},
                    .methods = {method(Operation::kList,
                                       &KvBackend::metadata_list_detailed)},
                    .synopsis = "Lists names with their metadata."});
}

std::vector<api::Method> KvBackend::all_but_list(Member member) {
  std::vector<api::Method> methods;
  for (const Operation operation : {Operation::kRead, Operation::kUpdate,
                                    Operation::kPatch, Operation::kDelete}) {
    methods.push_back(method(operation, member));
  }
  return methods;
}

// "data" without a path is no record, but can be listed where records can.
void KvBackend::add_root_routes(std::vector<Route>& routes) {
  const auto add = [&](std::string_view root, Member bare, Member list) {
    Route route{.pattern = root,
                .fields = {},
                .methods = all_but_list(bare),
                .synopsis = "No record is here.",
                .allow_any_body = list == nullptr};
    if (list != nullptr) {
      route.fields = {kAfter, kLimit};
      route.methods.push_back(method(Operation::kList, list, "Lists names."));
    }
    routes.push_back(std::move(route));
  };
  for (const std::string_view root :
       {"data", "delete", "undelete", "destroy"}) {
    add(root, &KvBackend::bare_root, nullptr);
  }
  add("metadata", &KvBackend::bare_root, &KvBackend::metadata_list);
  add("detailed-metadata", &KvBackend::wrong_path,
      &KvBackend::metadata_list_detailed);
  add("subkeys", &KvBackend::wrong_path, nullptr);
}

void KvBackend::add_other_routes(std::vector<Route>& routes) {
  auto wrong = all_but_list(&KvBackend::wrong_path);
  wrong.push_back(method(Operation::kList, &KvBackend::wrong_path));
  routes.push_back(
      {.pattern = "config",
       .fields = {kMaxVersions,
                  kCasRequired,
                  kMetadataCasRequired,
                  {.name = "delete_version_after",
                   .type = FieldType::kSignedDuration,
                   .description = "When new versions are deleted by "
                                  "themselves: 0 for never, below 0 for never "
                                  "whatever a record says.",
                   .default_text = "0"}},
       .methods = {method(Operation::kRead, &KvBackend::config_read),
                   method(Operation::kUpdate, &KvBackend::config_write),
                   method(Operation::kList, &KvBackend::wrong_path)},
       .synopsis = "Shows and sets what holds for all records of the mount."});
  routes.push_back({.pattern = "*path",
                    .fields = {},
                    .methods = std::move(wrong),
                    .synopsis = "No path of this version of the engine.",
                    .allow_any_body = true});
}

// Of any type, since the members of what is written are the caller's own.
std::vector<Route> KvBackend::make_v1_routes() {
  std::vector<Route> routes;
  routes.push_back(
      {.pattern = "*path",
       .fields = {kPath,
                  {.name = "after",
                   .type = FieldType::kAny,
                   .description = "List names after this one."},
                  {.name = "limit",
                   .type = FieldType::kAny,
                   .description = "At most so many names.",
                   .default_text = "0"}},
       .methods = {method(Operation::kRead, &KvBackend::v1_read,
                          "Reads what was written."),
                   method(Operation::kUpdate, &KvBackend::v1_write,
                          "Writes the body as it is."),
                   method(Operation::kDelete, &KvBackend::v1_delete,
                          "Removes it."),
                   method(Operation::kList, &KvBackend::v1_list,
                          "Lists names.")},
       .exists = [this](const Request& request,
                        Context& context) { return exists(request, context); },
       .synopsis = "Writes, reads and deletes data, and lists its names."});
  return routes;
}

}  // namespace bulla::engine::kv
