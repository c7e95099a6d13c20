#include "engine/kv/kv.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bulla::engine::kv {
namespace {

std::string_view option(const api::MountConfig& config, const char* name,
                        std::string_view otherwise) {
  const auto at = config.options.find(name);
  return at == config.options.end() || at->second.empty()
             ? otherwise
             : std::string_view(at->second);
}

bool is_versioned(const api::MountConfig& config) {
  return option(config, "version", "1") == "2";
}

}  // namespace

KvBackend::KvBackend(const api::BackendContext& context)
    : log_(context.log),
      holders_(context.record_holders),
      records_(context.storage, context.records, context.rng,
               context.config.uuid,
               std::string(option(context.config, "dek_scope", "default"))),
      config_(std::make_shared<const api::MountConfig>(context.config)),
      versioned_(is_versioned(context.config)),
      v1_routes_(make_v1_routes()) {
  add_data_routes(v2_routes_);
  add_version_routes(v2_routes_);
  add_metadata_routes(v2_routes_);
  add_root_routes(v2_routes_);
  add_other_routes(v2_routes_);
}

std::shared_ptr<KvBackend> KvBackend::create(
    const api::BackendContext& context) {
  std::shared_ptr<KvBackend> backend(new KvBackend(context));
  context.record_holders.add(context.config.uuid, backend);
  return backend;
}

const std::vector<api::Route>& KvBackend::routes() const {
  return versioned_ ? v2_routes_ : v1_routes_;
}

std::string_view KvBackend::help() const {
  return "The key-value engine stores data of your own, sealed by a data "
         "encryption key that each record names. Version 2 keeps several "
         "versions of a record.";
}

// What version 1 stored is what version 2 reads: each record has one version,
// number 1. No write of version 1 may come behind the change.
void KvBackend::tuned(const api::MountConfig& config) {
  config_.publish(std::make_shared<const api::MountConfig>(config));
  if (versioned_ || !is_versioned(config)) return;
  const UsageIndex::Still still(records_.index());
  versioned_ = true;
}

void KvBackend::stop() { holders_.remove(config_.load()->uuid); }

Result<bool> KvBackend::exists(const Request& request, Context& context) {
  if (!context.may_block) return fail(would_block());
  TRY_ASSIGN(const auto record, records_.find(request.param("path")));
  return record.has_value();
}

std::string KvBackend::type_of(const Record& record,
                               const api::MountConfig& config) const {
  const auto own = record.custom.find("type");
  if (own != record.custom.end()) return own->second;
  return std::string(option(config, "record_type", config.path));
}

// The counts outlive the barrier's opening; that it is open is asked of it.
Result<std::uint64_t> KvBackend::uses(std::string_view dek_id) {
  TRY(records_.settings());
  return records_.index().count(dek_id);
}

Result<std::vector<dek::RecordUse>> KvBackend::list_uses(
    std::string_view dek_id, std::string_view type, std::string_view after,
    std::size_t limit) {
  constexpr std::size_t kPage = 256;
  const auto config = config_.load();
  std::vector<dek::RecordUse> list;
  std::string from(after);
  while (list.size() < limit) {
    const std::size_t page =
        type.empty() ? std::min(kPage, limit - list.size()) : kPage;
    TRY_ASSIGN(const auto uses, records_.uses(dek_id, from, page));
    for (const RecordStore::Use& use : uses) {
      TRY_ASSIGN(const auto record, records_.find(use.path));
      if (!record || record->id != use.record_id) continue;
      std::string own = type_of(*record, *config);
      if (!type.empty() && own != type) continue;
      if (list.size() == limit) break;
      list.push_back({.record_id = use.record_id,
                      .type = std::move(own),
                      .name = config->path + use.path,
                      .version = record->current,
                      .created_at = record->created,
                      .updated_at = record->updated});
    }
    if (uses.size() < page) break;
    from = uses.back().record_id;
  }
  return list;
}

Result<dek::ReencryptStep> KvBackend::reencrypt(std::string_view dek_id,
                                                std::string_view cursor,
                                                std::size_t limit) {
  std::vector<std::string> damaged;
  auto step = records_.reencrypt(dek_id, cursor, limit, damaged);
  for (const std::string& problem : damaged) {
    log_.error("a record cannot be re-encrypted",
               {{"mount", config_.load()->path}, {"error", problem}});
  }
  return step;
}

Result<std::vector<std::string>> KvBackend::check() {
  TRY_ASSIGN(auto problems, records_.check());
  const std::string mount = config_.load()->path;
  for (std::string& problem : problems) {
    problem = fmt::format("{}: {}", mount, problem);
  }
  return problems;
}

}  // namespace bulla::engine::kv
