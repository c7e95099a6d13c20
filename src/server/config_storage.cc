#include "server/config_storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "base/file.h"

namespace bulla::server {
namespace {

enum class OptionKind : std::uint8_t {
  kText,
  kBytes,    ///< Kept as digits.
  kCount,    ///< Kept as digits.
  kSeconds,  ///< Kept as digits.
  kTruth,    ///< Kept as "true" or "false".
  kIgnored,  ///< Vault's; steers what is not there.
};

struct OptionRow {
  std::string_view name;
  OptionKind kind = OptionKind::kText;
};

constexpr std::array<OptionRow, 3> kLmdb = {
    {{"path"},
     {"map_size", OptionKind::kBytes},
     {"map_size_max", OptionKind::kBytes}}};

constexpr std::array<OptionRow, 9> kPostgresql = {
    {{"connection_url"},
     {"table"},
     {"max_parallel", OptionKind::kCount},
     {"max_idle_connections", OptionKind::kCount},
     {"request_timeout", OptionKind::kSeconds},
     {"ha_enabled", OptionKind::kTruth},
     {"ha_table", OptionKind::kIgnored},
     {"max_connect_retries", OptionKind::kIgnored},
     {"skip_create_table", OptionKind::kIgnored}}};

constexpr std::array<OptionRow, 15> kEtcd = {
    {{"address"},
     {"path"},
     {"username"},
     {"password"},
     {"password_env"},
     {"tls_ca_file"},
     {"tls_cert_file"},
     {"tls_key_file"},
     {"request_timeout", OptionKind::kSeconds},
     {"max_parallel", OptionKind::kCount},
     {"ha_enabled", OptionKind::kTruth},
     {"etcd_api", OptionKind::kIgnored},
     {"sync", OptionKind::kIgnored},
     {"lock_timeout", OptionKind::kIgnored},
     {"max_receive_size", OptionKind::kIgnored}}};

Result<std::span<const OptionRow>> rows_of(const ConfigSource& source,
                                           const ConfigBlock& block) {
  if (block.label == "inmem") return std::span<const OptionRow>();
  if (block.label == "lmdb") return std::span<const OptionRow>(kLmdb);
  if (block.label == "etcd") return std::span<const OptionRow>(kEtcd);
  if (block.label == "postgresql") {
    return std::span<const OptionRow>(kPostgresql);
  }
  return fail(source.error_at(
      block.line,
      fmt::format("storage \"{}\": unknown type; known: lmdb (one node, on a "
                  "local disk: storage \"lmdb\" {{ path = \"DIRECTORY\" }}), "
                  "postgresql, etcd, inmem (lost when the server ends)",
                  block.label.substr(0, 64))));
}

template <typename T>
Result<std::string> digits(const ConfigSource& source, const HclItem& item) {
  T value{};
  TRY(source.read(item, value));
  return fmt::format("{}", value);
}

Result<std::string> read_option(const ConfigSource& source, const HclItem& item,
                                OptionKind kind) {
  switch (kind) {
    case OptionKind::kBytes:
      return digits<std::size_t>(source, item);
    case OptionKind::kCount:
      return digits<unsigned>(source, item);
    case OptionKind::kTruth:
      return digits<bool>(source, item);
    case OptionKind::kSeconds: {
      Seconds time{0};
      TRY(source.read(item, time));
      if (time.count() > 0) return std::to_string(time.count());
      return fail(source.error(item, "expected a second or more"));
    }
    default: {
      std::string text;
      TRY(source.read(item, text));
      return text;
    }
  }
}

Result<void> check_required(const ConfigSource& source,
                            const ConfigBlock& block,
                            const StorageStanza& stanza) {
  const auto path = stanza.options.find("path");
  const bool missing = path == stanza.options.end() || path->second.empty();
  if (block.label != "lmdb" || !missing) return {};
  return fail(source.error_at(block.line,
                              "storage \"lmdb\": path: missing; name a "
                              "directory on a local disk"));
}

Result<std::string> read_file(const std::string& path) {
  TRY_ASSIGN(const auto file, File::open(path));
  TRY_ASSIGN(const auto size, file.size());
  constexpr std::uint64_t kConfigBytesMax = std::uint64_t{1} << 20;
  if (size > kConfigBytesMax) return fail(invalid_argument("too large"));
  std::string text(size, '\0');
  TRY_ASSIGN(
      const std::size_t got,
      file.read_at(0, {reinterpret_cast<std::uint8_t*>(text.data()), size}));
  text.resize(got);
  return text;
}

Result<void> read_source(const ConfigSource& source, const HclItem& item,
                         MigrationConfig& config) {
  TRY_ASSIGN(config.source, read_storage_stanza(source, item));
  return {};
}

Result<void> read_destination(const ConfigSource& source, const HclItem& item,
                              MigrationConfig& config) {
  TRY_ASSIGN(config.destination, read_storage_stanza(source, item));
  return {};
}

constexpr std::array<ConfigKey<MigrationConfig>, 3> kMigrationKeys = {{
    {"storage_source", read_source},
    {"storage_destination", read_destination},
    {"cluster_addr"},
}};

}  // namespace

Result<StorageStanza> read_storage_stanza(const ConfigSource& source,
                                          const HclItem& item) {
  TRY_ASSIGN(const auto blocks, labelled_blocks(source, item));
  if (blocks.size() != 1) {
    return fail(source.error(item, "expected one block"));
  }
  const ConfigBlock& block = blocks.front();
  TRY_ASSIGN(const auto rows, rows_of(source, block));
  std::vector<std::string_view> known;
  for (const OptionRow& row : rows) known.push_back(row.name);
  StorageStanza stanza{block.label, {}};
  std::vector<std::string_view> seen;
  for (const HclItem& option : block.body->items) {
    const auto row = std::ranges::find(rows, option.key, &OptionRow::name);
    if (row == rows.end()) {
      return fail(source.error(option, unknown_key(known, option.key)));
    }
    if (std::ranges::find(seen, option.key) != seen.end()) {
      return fail(source.error(option, "given twice"));
    }
    seen.emplace_back(option.key);
    TRY_ASSIGN(auto text, read_option(source, option, row->kind));
    if (row->kind == OptionKind::kIgnored) continue;
    stanza.options[option.key] = std::move(text);
  }
  TRY(check_required(source, block, stanza));
  return stanza;
}

Result<MigrationConfig> load_migration_config(const std::string& path) {
  TRY_ASSIGN(const auto text, read_file(path));
  const ConfigSource source(path);
  auto root = parse_hcl(text);
  if (!root) return fail(std::move(root).error().with_context(path));
  MigrationConfig config;
  TRY(read_section<MigrationConfig>(source, kMigrationKeys, *root, config));
  if (config.source.type.empty() || config.destination.type.empty()) {
    return fail(invalid_argument(fmt::format(
        "{}: expected storage_source \"TYPE\" {{ … }} and storage_destination "
        "\"TYPE\" {{ … }}",
        path)));
  }
  return config;
}

}  // namespace bulla::server
