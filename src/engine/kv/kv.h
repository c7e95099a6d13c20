#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/backend.h"
#include "base/json_writer.h"
#include "base/published.h"
#include "engine/kv/record_store.h"

namespace bulla::engine::kv {

/// The key-value engine, version 2 and 1 (reference/kv.md); the mount's option
/// `version` says which, and can be raised. Its routes are in routes.cc, each
/// endpoint in a file of its own. Handlers run on the worker pool.
///
/// Other options of a mount: `dek_scope`, whose DEK seals the records
/// ("default"), and `record_type`, the type of those that have no
/// custom_metadata of that name (the mount's path).
class KvBackend final : public api::Backend,
                        public dek::RecordHolder,
                        public std::enable_shared_from_this<KvBackend> {
 public:
  static constexpr std::string_view kType = "kv";

  /// Made, and known to the record holders.
  static std::shared_ptr<KvBackend> create(const api::BackendContext& context);

  std::string_view type() const override { return kType; }
  /// Those of the version that the mount has now.
  const std::vector<api::Route>& routes() const override;
  std::string_view help() const override;
  void tuned(const api::MountConfig& config) override;
  void stop() override;

  std::string scope() const override { return records_.scope(); }
  /// Waits for record writes on their way; not to be called while one seals.
  Result<std::uint64_t> uses(std::string_view dek_id) override;
  Result<std::vector<dek::RecordUse>> list_uses(std::string_view dek_id,
                                                std::string_view type,
                                                std::string_view after,
                                                std::size_t limit) override;
  Result<dek::ReencryptStep> reencrypt(std::string_view dek_id,
                                       std::string_view cursor,
                                       std::size_t limit) override;
  Result<std::vector<std::string>> check() override;

  RecordStore& records() { return records_; }

 private:
  using Request = api::Request;
  using Context = api::Context;
  using Response = api::Response;
  using Answer = Result<api::Response>;
  using Member = Answer (KvBackend::*)(const Request&, Context&);

  explicit KvBackend(const api::BackendContext& context);

  Answer data_read(const Request& request, Context& context);
  Answer data_write(const Request& request, Context& context);
  Answer data_patch(const Request& request, Context& context);
  Answer data_delete(const Request& request, Context& context);
  Answer versions_delete(const Request& request, Context& context);
  Answer versions_undelete(const Request& request, Context& context);
  Answer versions_destroy(const Request& request, Context& context);
  Answer metadata_read(const Request& request, Context& context);
  Answer metadata_write(const Request& request, Context& context);
  Answer metadata_patch(const Request& request, Context& context);
  Answer metadata_delete(const Request& request, Context& context);
  Answer metadata_list(const Request& request, Context& context);
  Answer metadata_list_detailed(const Request& request, Context& context);
  Answer subkeys(const Request& request, Context& context);
  Answer config_read(const Request& request, Context& context);
  Answer config_write(const Request& request, Context& context);
  Answer wrong_path(const Request& request, Context& context);
  Answer bare_root(const Request& request, Context& context);
  Answer v1_read(const Request& request, Context& context);
  Answer v1_write(const Request& request, Context& context);
  Answer v1_delete(const Request& request, Context& context);
  Answer v1_list(const Request& request, Context& context);
  Result<bool> exists(const Request& request, Context& context);

  api::Handler handler(Member member);
  api::Method method(api::Operation operation, Member member,
                     std::string_view summary = {});
  void add_data_routes(std::vector<api::Route>& routes);
  void add_version_routes(std::vector<api::Route>& routes);
  void add_metadata_routes(std::vector<api::Route>& routes);
  void add_root_routes(std::vector<api::Route>& routes);
  void add_other_routes(std::vector<api::Route>& routes);
  std::vector<api::Method> all_but_list(Member member);
  std::vector<api::Route> make_v1_routes();

  std::string type_of(const Record& record,
                      const api::MountConfig& config) const;

  const Logger& log_;
  dek::RecordHolders& holders_;
  RecordStore records_;
  Published<api::MountConfig> config_;
  std::atomic<bool> versioned_;
  std::vector<api::Route> v1_routes_;
  std::vector<api::Route> v2_routes_;
};

}  // namespace bulla::engine::kv
