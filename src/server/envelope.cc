#include "server/envelope.h"

#include "base/json_writer.h"
#include "base/time_format.h"

namespace bulla::server {
namespace {

void append_metadata(JsonWriter& writer,
                     const std::map<std::string, std::string>& metadata) {
  writer.key("metadata");
  if (metadata.empty()) {
    writer.null();
    return;
  }
  writer.begin_object();
  for (const auto& [key, value] : metadata) writer.member(key, value);
  writer.end_object();
}

void append_auth(JsonWriter& writer, const api::Auth& auth) {
  writer.begin_object()
      .member("client_token", auth.client_token)
      .member("accessor", auth.accessor)
      .key("policies")
      .strings(auth.policies);
  if (!auth.token_policies.empty()) {
    writer.key("token_policies").strings(auth.token_policies);
  }
  if (!auth.identity_policies.empty()) {
    writer.key("identity_policies").strings(auth.identity_policies);
  }
  append_metadata(writer, auth.metadata);
  writer.member("lease_duration", std::int64_t{auth.lease_duration.count()})
      .member("renewable", auth.renewable)
      .member("entity_id", auth.entity_id)
      .member("token_type", auth.token_type)
      .member("orphan", auth.orphan)
      .key("mfa_requirement")
      .null()
      .member("num_uses", auth.num_uses)
      .end_object();
}

// The lease members: nearly always empty, so written as one constant.
void append_lease(std::string& out, const api::Response& response) {
  if (response.lease_id.empty() && !response.renewable &&
      response.lease_duration.count() == 0) {
    out += R"(,"lease_id":"","renewable":false,"lease_duration":0,"data":)";
    return;
  }
  out += ",\"lease_id\":";
  append_json_string(out, response.lease_id);
  out += response.renewable ? ",\"renewable\":true" : ",\"renewable\":false";
  out += ",\"lease_duration\":";
  out += std::to_string(response.lease_duration.count());
  out += ",\"data\":";
}

void append_tail(std::string& out, const api::Response& response) {
  if (response.warnings.empty() && !response.auth) {
    out += R"(,"wrap_info":null,"warnings":null,"auth":null)";
    return;
  }
  out += R"(,"wrap_info":null,"warnings":)";
  if (response.warnings.empty()) {
    out += "null";
  } else {
    JsonWriter(out).strings(response.warnings);
  }
  out += ",\"auth\":";
  if (!response.auth) {
    out += "null";
    return;
  }
  JsonWriter writer(out);
  append_auth(writer, *response.auth);
}

void append_wrapped(std::string& out, const api::WrapInfo& info) {
  out +=
      R"({"request_id":"","lease_id":"","renewable":false,"lease_duration":0,)"
      R"("data":null,"wrap_info":)";
  JsonWriter writer(out);
  writer.begin_object()
      .member("token", info.token)
      .member("accessor", info.accessor)
      .member("ttl", std::int64_t{info.ttl.count()})
      .member("creation_time", format_rfc3339_nano(info.creation_time))
      .member("creation_path", info.creation_path);
  if (!info.wrapped_accessor.empty()) {
    writer.member("wrapped_accessor", info.wrapped_accessor);
  }
  writer.end_object();
  out += ",\"warnings\":null,\"auth\":null}\n";
}

}  // namespace

void append_envelope(std::string& out, const api::Response& response,
                     std::string_view request_id) {
  if (response.wrap_info) {
    append_wrapped(out, *response.wrap_info);
    return;
  }
  out.reserve(out.size() + response.data.size() + 256);
  if (response.bare) {
    out += response.data;
    if (response.content_type == "application/json") out += '\n';
    return;
  }
  out += "{\"request_id\":\"";
  out += request_id;
  out += '"';
  append_lease(out, response);
  out += response.data.empty() ? std::string_view("null")
                               : std::string_view(response.data);
  append_tail(out, response);
  if (response.duplicate_at_top && response.data.size() > 2) {
    // data is "{…}": its members again, beside the envelope's own.
    out += ',';
    out.append(response.data, 1, response.data.size() - 2);
  }
  out += "}\n";
}

}  // namespace bulla::server
