#include "cli/seal_status.h"

namespace bulla::cli {
namespace {

std::string truth(const Value& status, std::string_view key) {
  return status.flag_of(key) ? "true" : "false";
}

std::string number(const Value& status, std::string_view key) {
  return std::to_string(status.integer_of(key));
}

void add_known(std::vector<TableRow>& rows, const Value& status,
               std::string_view title, std::string_view key) {
  const std::string text = status.text_of(key);
  if (!text.empty()) rows.push_back({std::string(title), text});
}

void add_unsealing(std::vector<TableRow>& rows, const Value& status) {
  if (!status.flag_of("sealed")) return;
  rows.push_back({"Unseal Progress",
                  number(status, "progress") + "/" + number(status, "t")});
  rows.push_back({"Unseal Nonce", status.text_of("nonce")});
}

void add_cluster(std::vector<TableRow>& rows, const Value& status) {
  if (status.find("ha_enabled") == nullptr) return;
  rows.push_back({"HA Enabled", truth(status, "ha_enabled")});
  if (!status.flag_of("ha_enabled")) return;
  const bool self = status.flag_of("is_self");
  const bool sealed = status.flag_of("sealed");
  if (!sealed) add_known(rows, status, "HA Cluster", "leader_cluster_address");
  rows.push_back({"HA Mode", sealed ? "sealed" : self ? "active" : "standby"});
  if (self) add_known(rows, status, "Active Since", "active_time");
  if (sealed || self) return;
  add_known(rows, status, "Active Node Address", "leader_address");
}

}  // namespace

std::vector<TableRow> seal_status_rows(const Value& status) {
  std::vector<TableRow> rows = {{"Key", "Value"}};
  const bool recovery = status.flag_of("recovery_seal");
  rows.push_back({"Seal Type", status.text_of("type")});
  if (recovery) {
    rows.push_back(
        {"Recovery Seal Type", status.text_of("recovery_seal_type")});
  }
  rows.push_back({"Initialized", truth(status, "initialized")});
  rows.push_back({"Sealed", truth(status, "sealed")});
  rows.push_back({recovery ? "Total Recovery Shares" : "Total Shares",
                  number(status, "n")});
  rows.push_back({"Threshold", number(status, "t")});
  add_unsealing(rows, status);
  if (status.flag_of("migration")) {
    rows.push_back({"Seal Migration in Progress", "true"});
  }
  add_known(rows, status, "Version", "version");
  if (!status.text_of("build_date").empty()) {
    add_known(rows, status, "Build Date", "build_date");
  } else {
    add_known(rows, status, "Commit Date", "commit_date");
  }
  add_known(rows, status, "Storage Type", "storage_type");
  add_known(rows, status, "Cluster Name", "cluster_name");
  add_known(rows, status, "Cluster ID", "cluster_id");
  add_cluster(rows, status);
  return rows;
}

}  // namespace bulla::cli
