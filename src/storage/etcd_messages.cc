#include "storage/etcd_messages.h"

namespace bulla::storage {
namespace {

using Field = ProtoReader::Field;

/// Gives each field of `message` to `take`, which may fail.
template <typename Take>
Result<void> each_field(std::string_view message, Take take) {
  ProtoReader reader(message);
  while (true) {
    TRY_ASSIGN(const auto field, reader.next());
    if (!field) return {};
    TRY(take(*field));
  }
}

Result<std::uint64_t> revision_of(std::string_view header) {
  std::uint64_t revision = 0;
  TRY(each_field(header, [&](const Field& field) -> Result<void> {
    if (field.number == 3) revision = field.value;
    return {};
  }));
  return revision;
}

Result<EtcdEntry> parse_entry(std::string_view message) {
  EtcdEntry entry;
  TRY(each_field(message, [&](const Field& field) -> Result<void> {
    switch (field.number) {
      case 1:
        entry.key = field.bytes;
        break;
      case 2:
        entry.create_revision = field.value;
        break;
      case 3:
        entry.mod_revision = field.value;
        break;
      case 5:
        entry.value = field.bytes;
        break;
      case 6:
        entry.lease = field.value;
        break;
      default:
        break;
    }
    return {};
  }));
  return entry;
}

ProtoWriter compare(std::string_view key, std::uint64_t target, unsigned field,
                    std::uint64_t revision) {
  constexpr std::uint64_t kEqual = 0;
  ProtoWriter out;
  out.number(1, kEqual).number(2, target).bytes(3, key).number(field, revision);
  return out;
}

// The fields of a transaction, and those of the operations in it.
constexpr unsigned kCompare = 1;
constexpr unsigned kSuccess = 2;
constexpr unsigned kFailure = 3;
constexpr unsigned kRange = 1;
constexpr unsigned kPut = 2;
constexpr unsigned kDelete = 3;

ProtoWriter operation(unsigned kind, const ProtoWriter& request) {
  ProtoWriter out;
  out.message(kind, request);
  return out;
}

}  // namespace

Result<EtcdRange> parse_range(std::string_view message) {
  EtcdRange range;
  TRY(each_field(message, [&](const Field& field) -> Result<void> {
    if (field.number == 1) {
      TRY_ASSIGN(range.revision, revision_of(field.bytes));
    }
    if (field.number == 2) {
      TRY_ASSIGN(const auto entry, parse_entry(field.bytes));
      range.entries.push_back(entry);
    }
    return {};
  }));
  return range;
}

Result<EtcdTxn> parse_txn(std::string_view message) {
  EtcdTxn txn;
  const auto take_operation = [&](const Field& field) -> Result<void> {
    if (field.number != kRange) return {};
    TRY_ASSIGN(auto range, parse_range(field.bytes));
    txn.ranges.push_back(std::move(range));
    return {};
  };
  TRY(each_field(message, [&](const Field& field) -> Result<void> {
    if (field.number == 1) {
      TRY_ASSIGN(txn.revision, revision_of(field.bytes));
    }
    if (field.number == 2) txn.succeeded = field.value != 0;
    if (field.number == 3) return each_field(field.bytes, take_operation);
    return {};
  }));
  return txn;
}

Result<EtcdWatch> parse_watch(std::string_view message) {
  EtcdWatch watch;
  const auto take_event = [&](const Field& field) -> Result<void> {
    if (field.number != 2) return {};
    TRY_ASSIGN(const auto entry, parse_entry(field.bytes));
    watch.events.push_back(entry);
    return {};
  };
  TRY(each_field(message, [&](const Field& field) -> Result<void> {
    if (field.number == 4) watch.canceled = field.value != 0;
    if (field.number == 5) watch.compacted = field.value;
    if (field.number == 11) return each_field(field.bytes, take_event);
    return {};
  }));
  return watch;
}

Result<EtcdLease> parse_lease(std::string_view message) {
  EtcdLease lease;
  TRY(each_field(message, [&](const Field& field) -> Result<void> {
    if (field.number == 2) lease.id = field.value;
    if (field.number == 3) lease.ttl = static_cast<std::int64_t>(field.value);
    return {};
  }));
  return lease;
}

ProtoWriter range_request(const EtcdRangeRequest& request) {
  ProtoWriter out;
  out.bytes(1, request.key);
  if (!request.end.empty()) out.bytes(2, request.end);
  if (request.limit != 0) out.number(3, request.limit);
  if (request.revision != 0) out.number(4, request.revision);
  if (request.keys_only) out.number(8, 1);
  return out;
}

ProtoWriter put_request(std::string_view key, ByteView value,
                        std::uint64_t lease) {
  ProtoWriter out;
  out.bytes(1, key).bytes(2, value);
  if (lease != 0) out.number(3, lease);
  return out;
}

EtcdTxnRequest& EtcdTxnRequest::if_modified(std::string_view key,
                                            std::uint64_t revision) {
  constexpr std::uint64_t kTarget = 2;
  out_.message(kCompare, compare(key, kTarget, 6, revision));
  return *this;
}

EtcdTxnRequest& EtcdTxnRequest::if_created(std::string_view key,
                                           std::uint64_t revision) {
  constexpr std::uint64_t kTarget = 1;
  out_.message(kCompare, compare(key, kTarget, 5, revision));
  return *this;
}

EtcdTxnRequest& EtcdTxnRequest::put(std::string_view key, ByteView value,
                                    std::uint64_t lease) {
  out_.message(kSuccess, operation(kPut, put_request(key, value, lease)));
  return *this;
}

EtcdTxnRequest& EtcdTxnRequest::remove(std::string_view key) {
  ProtoWriter request;
  request.bytes(1, key);
  out_.message(kSuccess, operation(kDelete, request));
  return *this;
}

EtcdTxnRequest& EtcdTxnRequest::get(std::string_view key) {
  out_.message(kSuccess, operation(kRange, range_request({.key = key})));
  return *this;
}

EtcdTxnRequest& EtcdTxnRequest::else_get(std::string_view key) {
  out_.message(kFailure, operation(kRange, range_request({.key = key})));
  return *this;
}

}  // namespace bulla::storage
