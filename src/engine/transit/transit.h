#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "api/backend.h"
#include "engine/transit/cipher.h"
#include "engine/transit/key_store.h"
#include "engine/transit/loop.h"

namespace bulla::engine::transit {

/// The transit secrets engine: cryptography with named keys that never leave
/// (reference/transit.md). Its routes are in routes.cc, each endpoint in a file
/// of its own. Handlers run on any thread; those that only use keys take no
/// lock once a thread has seen a key.
class TransitBackend final : public api::Backend {
 public:
  static constexpr std::string_view kType = "transit";

  explicit TransitBackend(const api::BackendContext& context);

  std::string_view type() const override { return kType; }
  const std::vector<api::Route>& routes() const override { return routes_; }
  std::string_view help() const override;
  /// Rotates keys that are due, at most once an hour, and finishes deletions.
  void tick(Time now) override;
  /// Stores counts of encryptions.
  void stop() override;
  Result<bool> uses_managed_key(std::string_view id) override {
    return keys_.uses_managed_key(id);
  }

  /// Totals over all threads. Any thread.
  TransitMetrics metrics() const;
  KeyStore& keys() { return keys_; }
  /// The RSA-4096 key that imported material is wrapped for, made on first use.
  /// Blocks, for seconds then.
  Result<std::shared_ptr<const Key>> wrapping_pair(Time now);

 private:
  using Request = api::Request;
  using Context = api::Context;
  using Response = api::Response;
  using Answer = Result<api::Response>;
  using Member = Answer (TransitBackend::*)(const Request&, Context&);

  static constexpr Seconds kAutoRotateEvery{3600};

  Answer encrypt(const Request& request, Context& context);
  Answer encrypt_single(const Request& request, Cipher& cipher);
  Answer encrypt_batch(const Request& request, Cipher& cipher);
  Answer decrypt(const Request& request, Context& context);
  Answer decrypt_single(const Request& request, Cipher& cipher);
  Answer decrypt_batch(const Request& request, Cipher& cipher);
  Answer rewrap(const Request& request, Context& context);
  Answer datakey(const Request& request, Context& context);
  Answer hmac(const Request& request, Context& context);
  Answer cmac(const Request& request, Context& context);
  Answer sign(const Request& request, Context& context);
  Answer verify(const Request& request, Context& context);
  Answer verify_signatures(const Request& request, Context& context,
                           bool batch);
  Answer random(const Request& request, Context& context);
  Answer hash(const Request& request, Context& context);
  Answer export_key(const Request& request, Context& context);
  Answer byok_export(const Request& request, Context& context);
  Answer wrapping_key(const Request& request, Context& context);
  Answer import_key(const Request& request, Context& context);
  Answer import_version(const Request& request, Context& context);
  Answer derive_key(const Request& request, Context& context);
  Answer backup(const Request& request, Context& context);
  Answer restore(const Request& request, Context& context);
  Answer keys_list(const Request& request, Context& context);
  Answer keys_create(const Request& request, Context& context);
  Answer keys_read(const Request& request, Context& context);
  Answer keys_delete(const Request& request, Context& context);
  Answer keys_config(const Request& request, Context& context);
  Answer keys_rotate(const Request& request, Context& context);
  Answer keys_trim(const Request& request, Context& context);
  Answer keys_soft_delete(const Request& request, Context& context);
  Answer keys_soft_delete_restore(const Request& request, Context& context);
  Answer set_soft_deleted(const Request& request, Context& context,
                          bool deleted);
  Answer csr(const Request& request, Context& context);
  Answer set_certificate(const Request& request, Context& context);
  Answer cache_config_read(const Request& request, Context& context);
  Answer cache_config_write(const Request& request, Context& context);
  Answer config_keys_read(const Request& request, Context& context);
  Answer config_keys_write(const Request& request, Context& context);

  Result<bool> encrypt_exists(const Request& request, Context& context);
  /// Makes the key an encrypt names; true when this call did.
  Result<bool> upsert(const Request& request, bool derived, Context& context);
  Result<bool> upsert_disabled() const;

  /// This thread's state, registered on first use.
  TransitLoop& loop_of(Context& context);
  /// The newest snapshot of that key, null when there is none. It holds until
  /// the thread's next call.
  Result<const Key*> find_key(std::string_view name, Context& context);
  /// The same; kInvalidArgument with `missing` when there is none.
  Result<const Key*> require_key(std::string_view name, Context& context,
                                 std::string_view missing);
  /// The key that a request wants to have certified.
  ///   kInvalidArgument  there is none, or it cannot be.
  Result<const Key*> require_certifiable(const Request& request,
                                         Context& context);
  /// The key body (reference/transit.md §3), read from storage where needed;
  /// with the public keys that a derived key has for `context`, if any.
  Answer key_body(const Key& key, ByteView context = {});

  // managed.cc: keys of type managed_key.
  /// The managed key that a request names, for a new version.
  ///   kInvalidArgument  it names none.
  Result<api::FoundManagedKey> find_managed(const api::Fields& fields);
  Answer rotate_managed(const Request& request, Context& context,
                        const Key& key);

  /// What an import brings: a wrapped key, or a public one.
  Result<Material> imported_material(const Request& request, Context& context,
                                     const KeyTypeInfo& type);

  /// What an EC key and the request's peer agree on, for a key of `type`.
  Result<SecretBytes> agreed_key(const Request& request, Context& context,
                                 const KeyTypeInfo& type);

  std::vector<api::Route> make_routes();
  void add_use_routes(std::vector<api::Route>& routes);
  void add_mac_routes(std::vector<api::Route>& routes);
  void add_sign_routes(std::vector<api::Route>& routes);
  void add_export_routes(std::vector<api::Route>& routes);
  void add_import_routes(std::vector<api::Route>& routes);
  void add_derive_routes(std::vector<api::Route>& routes);
  void add_backup_routes(std::vector<api::Route>& routes);
  void add_key_routes(std::vector<api::Route>& routes);
  void add_key_change_routes(std::vector<api::Route>& routes);
  void add_certificate_routes(std::vector<api::Route>& routes);
  void add_tool_routes(std::vector<api::Route>& routes);
  void add_config_routes(std::vector<api::Route>& routes);
  api::Handler handler(Member member);
  api::Method inline_update(Member member);
  api::Method pool(api::Operation operation, Member member);

  void load_cache_size();
  /// Has a rotation audited that nobody asked for.
  Result<void> announce(const KeyRecord& key, OwnRotation why);

  barrier::View storage_;
  const Logger& log_;
  api::EventSink& events_;
  const std::string uuid_;
  KeyStore keys_;
  KeyStore hidden_keys_;  // of no name in the API, and in no list
  std::vector<api::Route> routes_;

  mutable std::mutex counters_mutex_;
  mutable std::vector<std::shared_ptr<Counters>> counters_;  // one a thread
  mutable std::array<std::uint64_t, kCounts> retired_{};     // of gone threads

  std::mutex tick_mutex_;
  std::optional<Time> last_auto_rotate_;
};

}  // namespace bulla::engine::transit
