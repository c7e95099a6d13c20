#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dek/registry.h"
#include "seal/test_world.h"
#include "storage/fault.h"

namespace bulla::dek {

/// A mount whose records are in memory: bodies by id, sealed by `cipher`.
class FakeHolder final : public RecordHolder {
 public:
  FakeHolder(RecordCipher& cipher, std::string scope)
      : cipher_(cipher), scope_(std::move(scope)) {}

  void put(const std::string& id, std::string_view body,
           const std::string& type = "") {
    auto sealed = cipher_.seal(scope_, "m/" + id, as_bytes(body));
    ASSERT_TRUE(sealed) << sealed.error().message();
    records_[id] = {*std::move(sealed), type};
  }
  std::string get(const std::string& id) {
    const Record& record = records_.at(id);
    const auto body = cipher_.open(record.body.dek_id, "m/" + id,
                                   as_bytes(record.body.bytes));
    return body ? std::string(as_text(body->expose())) : body.error().message();
  }

  std::string scope() const override { return scope_; }
  Result<std::uint64_t> uses(std::string_view dek_id) override {
    std::uint64_t count = 0;
    for (const auto& [id, record] : records_) {
      count += record.body.dek_id == dek_id ? 1U : 0U;
    }
    return count;
  }
  Result<std::vector<RecordUse>> list_uses(std::string_view dek_id,
                                           std::string_view type,
                                           std::string_view after,
                                           std::size_t limit) override {
    std::vector<RecordUse> uses;
    for (const auto& [id, record] : records_) {
      if (record.body.dek_id != dek_id || id <= after) continue;
      if (!type.empty() && record.type != type) continue;
      if (uses.size() == limit) break;
      uses.push_back({id, record.type, "m/" + id, 1, {}, {}});
    }
    return uses;
  }
  Result<ReencryptStep> reencrypt(std::string_view dek_id,
                                  std::string_view cursor,
                                  std::size_t limit) override {
    if (fault) return fail(*fault);
    ReencryptStep step;
    for (auto at = records_.upper_bound(std::string(cursor));
         at != records_.end(); ++at) {
      if (at->second.body.dek_id != dek_id) continue;
      if (step.visited == limit) return step;
      ++step.visited;
      step.cursor = at->first;
      if (stubborn.contains(at->first)) continue;
      put(at->first, get(at->first), at->second.type);
      ++step.reencrypted;
    }
    step.cursor.clear();
    return step;
  }
  Result<std::vector<std::string>> check() override {
    return std::vector<std::string>();
  }

  std::optional<Error> fault;      ///< Of reencrypt().
  std::set<std::string> stubborn;  ///< Records that another writer has.

 private:
  struct Record {
    SealedBody body;
    std::string type;
  };
  RecordCipher& cipher_;
  std::string scope_;
  std::map<std::string, Record> records_;
};

/// A server with a registry over a world's storage; one process's life.
struct DekNode {
  explicit DekNode(seal::World& world, RegistryOptions options = {})
      : node(world),
        registry(node.barrier, node.custody, holders, world.rng, world.clock,
                 world.log, std::move(options)) {}

  /// Initialises with one share of one, and loads.
  SecretBytes init() {
    auto made = node.init(seal::shamir_params(1, 1));
    EXPECT_TRUE(made);
    EXPECT_TRUE(registry.load());
    return made->shares[0].clone();
  }
  Result<void> open(const SecretBytes& share) {
    TRY(node.custody.submit_share(share.clone()));
    return registry.load();
  }
  void close() {
    registry.clear();
    node.custody.seal();
  }
  /// The active DEK of a scope; "" where there is none.
  std::string active(std::string_view scope = Registry::kDefaultScope) {
    const auto all = registry.list();
    if (!all) return {};
    for (const DekInfo& info : *all) {
      if (info.scope == scope && info.status == Status::kActive) {
        return info.id;
      }
    }
    return {};
  }

  RecordHolders holders;
  seal::Node node;
  Registry registry;
};

}  // namespace bulla::dek
