#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "storage/protobuf.h"

namespace bulla::storage {

// etcd's messages, as far as the engine needs them (etcd's rpc.proto). What is
// read views into the answer.

struct EtcdEntry {
  std::string_view key;
  std::string_view value;
  std::uint64_t create_revision = 0;
  std::uint64_t mod_revision = 0;
  std::uint64_t lease = 0;
};

struct EtcdRange {
  std::uint64_t revision = 0;  ///< Of the whole of etcd when it was read.
  std::vector<EtcdEntry> entries;
};

struct EtcdTxn {
  std::uint64_t revision = 0;
  bool succeeded = false;
  std::vector<EtcdRange> ranges;  ///< The answers of its ranges, in order.
};

struct EtcdWatch {
  std::vector<EtcdEntry> events;  ///< Without values.
  bool canceled = false;
  std::uint64_t compacted = 0;  ///< Not 0: history before it is gone.
};

struct EtcdLease {
  std::uint64_t id = 0;
  std::int64_t ttl = 0;  ///< Seconds; 0 and less: it is gone.
};

Result<EtcdRange> parse_range(std::string_view message);
Result<EtcdTxn> parse_txn(std::string_view message);
Result<EtcdWatch> parse_watch(std::string_view message);
Result<EtcdLease> parse_lease(std::string_view message);

struct EtcdRangeRequest {
  std::string_view key;
  std::string_view end = {};  ///< "": the key alone.
  std::uint64_t limit = 0;
  std::uint64_t revision = 0;  ///< 0: the newest.
  bool keys_only = false;
};

ProtoWriter range_request(const EtcdRangeRequest& request);
ProtoWriter put_request(std::string_view key, ByteView value,
                        std::uint64_t lease = 0);

/// A transaction, put together.
class EtcdTxnRequest {
 public:
  /// That the entry is of this revision; 0: it must not exist.
  EtcdTxnRequest& if_modified(std::string_view key, std::uint64_t revision);
  EtcdTxnRequest& if_created(std::string_view key, std::uint64_t revision);
  EtcdTxnRequest& put(std::string_view key, ByteView value,
                      std::uint64_t lease = 0);
  EtcdTxnRequest& remove(std::string_view key);
  EtcdTxnRequest& get(std::string_view key);
  EtcdTxnRequest& else_get(std::string_view key);

  const std::string& text() const { return out_.text(); }

 private:
  ProtoWriter out_;
};

}  // namespace bulla::storage
