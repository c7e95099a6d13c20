#include "storage/etcd.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "storage/limits.h"
#include "storage/listing.h"

namespace bulla::storage {
namespace {

constexpr std::uint64_t kPageFirst = 64;
constexpr std::uint64_t kPageMost = 4096;
constexpr std::size_t kRootBytesMax = 256;

Result<void> check_options(const EtcdOptions& options) {
  const EtcdClient::Options& client = options.client;
  for (const std::string& endpoint : client.endpoints) {
    const bool ok =
        (endpoint.starts_with("http://") || endpoint.starts_with("https://")) &&
        endpoint.find('/', endpoint.find("//") + 2) == std::string::npos;
    if (ok) continue;
    return fail(invalid_argument(
        fmt::format("etcd: address: \"{}\": expected http://HOST:PORT or "
                    "https://HOST:PORT, several with commas between",
                    endpoint)));
  }
  if (client.endpoints.empty()) {
    return fail(invalid_argument("etcd: address: missing"));
  }
  if (options.path.empty() || options.path.size() > kRootBytesMax) {
    return fail(invalid_argument(
        fmt::format("etcd: path: expected 1 to {} bytes", kRootBytesMax)));
  }
  if (client.tls_cert_file.empty() != client.tls_key_file.empty()) {
    return fail(
        invalid_argument("etcd: tls_cert_file and tls_key_file go together"));
  }
  return {};
}

std::string with_slash(std::string path) {
  if (path.back() != '/') path.push_back('/');
  return path;
}

}  // namespace

/// Pages of keys that grow while they are read on.
class EtcdStorage::Cursor {
 public:
  using Position = Result<std::optional<std::string_view>>;

  explicit Cursor(EtcdStorage& storage) : storage_(storage) {}

  Position seek(std::string_view at_least) {
    if (at_ < paths_.size() && at_least >= paths_[at_] &&
        at_least <= paths_.back()) {
      while (paths_[at_] < at_least) ++at_;
      return paths_[at_];
    }
    size_ = kPageFirst;
    return load(at_least);
  }
  Position next() {
    if (++at_ < paths_.size()) return paths_[at_];
    if (paths_.size() < size_) return std::nullopt;
    std::string behind(paths_.back());
    behind.push_back('\0');
    size_ = std::min(size_ * 4, kPageMost);
    return load(behind);
  }

 private:
  Position load(std::string_view from) {
    const std::string key = storage_.key_of(from);
    TRY_ASSIGN(answer_,
               storage_.client_.call(
                   "KV/Range", range_request({.key = key,
                                              .end = storage_.entries_end_,
                                              .limit = size_,
                                              .keys_only = true})
                                   .text()));
    TRY_ASSIGN(const auto range, parse_range(answer_));
    paths_.clear();
    at_ = 0;
    for (const EtcdEntry& entry : range.entries) {
      if (!entry.key.starts_with(storage_.entries_)) continue;
      paths_.push_back(entry.key.substr(storage_.entries_.size()));
    }
    if (paths_.empty()) return std::nullopt;
    return paths_.front();
  }

  EtcdStorage& storage_;
  std::string answer_;
  std::vector<std::string_view> paths_;  // view into it
  std::size_t at_ = 0;
  std::uint64_t size_ = kPageFirst;
};

EtcdStorage::EtcdStorage(EtcdOptions options)
    : client_(std::move(options.client)),
      root_(with_slash(std::move(options.path))),
      entries_(root_ + "e/"),
      entries_end_(root_ + "e0"),
      head_(root_ + "c/head"),
      gate_(root_ + "c/gate"),
      leader_(root_ + "c/leader"),
      epoch_(root_ + "c/epoch") {}

Result<std::unique_ptr<EtcdStorage>> EtcdStorage::open(EtcdOptions options) {
  TRY(check_options(options));
  std::unique_ptr<EtcdStorage> made(new EtcdStorage(std::move(options)));
  TRY(made->find_gate());
  return made;
}

Result<void> EtcdStorage::find_gate() {
  EtcdTxnRequest request;
  request.if_modified(gate_, 0).put(gate_, {}).else_get(gate_);
  TRY_ASSIGN(const auto answer, client_.call("KV/Txn", request.text()));
  TRY_ASSIGN(const auto txn, parse_txn(answer));
  const bool found = !txn.ranges.empty() && !txn.ranges[0].entries.empty();
  if (!txn.succeeded && !found) return fail(corrupt("etcd: no gate"));
  gate_revision_ =
      txn.succeeded ? txn.revision : txn.ranges[0].entries[0].mod_revision;
  seen_revision_ = txn.revision;
  return {};
}

Result<std::optional<EtcdEntry>> EtcdStorage::find(std::string_view key,
                                                   std::string& answer,
                                                   std::uint64_t at_revision) {
  const auto request = range_request({.key = key, .revision = at_revision});
  TRY_ASSIGN(answer, client_.call("KV/Range", request.text()));
  TRY_ASSIGN(const auto range, parse_range(answer));
  if (range.entries.empty()) return std::nullopt;
  return range.entries.front();
}

Result<std::optional<Entry>> EtcdStorage::get(std::string_view path) {
  TRY(check_path(path));
  std::string answer;
  TRY_ASSIGN(const auto found, find(key_of(path), answer));
  if (!found) return std::nullopt;
  return Entry{to_bytes(found->value), found->mod_revision};
}

Result<std::vector<std::string>> EtcdStorage::list(std::string_view prefix,
                                                   std::string_view after,
                                                   std::size_t limit) {
  TRY(check_list_prefix(prefix));
  Cursor cursor(*this);
  return list_segments(cursor, prefix, after, effective_limit(limit));
}

Result<std::vector<std::string>> EtcdStorage::scan(std::string_view prefix,
                                                   std::string_view after,
                                                   std::size_t limit) {
  Cursor cursor(*this);
  return scan_paths(cursor, prefix, after, effective_limit(limit));
}

/// Pages of one revision.
class EtcdStorage::View final : public Snapshot {
 public:
  View(EtcdStorage& storage, std::uint64_t revision)
      : storage_(storage), revision_(revision) {}

  void seek(std::string_view at_least) override {
    from_ = at_least;
    range_ = {};
    at_ = 0;
    ended_ = false;
  }

  Result<std::optional<Item>> next() override {
    if (at_ == range_.entries.size() && !ended_) TRY(load());
    if (at_ == range_.entries.size()) return std::nullopt;
    const EtcdEntry& entry = range_.entries[at_++];
    Item item{std::string(entry.key.substr(storage_.entries_.size())),
              to_bytes(entry.value)};
    from_ = item.path;
    from_.push_back('\0');
    return item;
  }

 private:
  static constexpr std::uint64_t kFirst = 16;
  static constexpr std::uint64_t kMost = 1024;
  static constexpr std::size_t kPageBytes = std::size_t{4} << 20;

  Result<void> load() {
    const std::string key = storage_.key_of(from_);
    const auto request = range_request({.key = key,
                                        .end = storage_.entries_end_,
                                        .limit = size_,
                                        .revision = revision_});
    TRY_ASSIGN(answer_, storage_.client_.call("KV/Range", request.text()));
    TRY_ASSIGN(range_, parse_range(answer_));
    at_ = 0;
    std::erase_if(range_.entries, [this](const EtcdEntry& entry) {
      return !entry.key.starts_with(storage_.entries_);
    });
    ended_ = range_.entries.size() < size_;
    size_ = answer_.size() > kPageBytes ? std::max(size_ / 4, kFirst)
                                        : std::min(size_ * 2, kMost);
    return {};
  }

  EtcdStorage& storage_;
  std::uint64_t revision_;
  std::string answer_;
  EtcdRange range_;  // views into it
  std::size_t at_ = 0;
  std::string from_;
  std::uint64_t size_ = kFirst;
  bool ended_ = false;
};

Result<std::unique_ptr<Snapshot>> EtcdStorage::snapshot() {
  TRY_ASSIGN(const auto answer,
             client_.call("KV/Range", range_request({.key = head_}).text()));
  TRY_ASSIGN(const auto range, parse_range(answer));
  return std::make_unique<View>(*this, range.revision);
}

}  // namespace bulla::storage
