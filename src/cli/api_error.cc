#include "cli/api_error.h"

#include <algorithm>

#include "cli/table.h"

namespace bulla::cli {
namespace {

bool contains(std::string_view text, std::string_view what) {
  return text.find(what) != std::string_view::npos;
}

bool says(const ApiFailure& failure, std::string_view what) {
  return contains(failure.message, what) ||
         std::any_of(failure.errors.begin(), failure.errors.end(),
                     [what](const auto& text) { return contains(text, what); });
}

std::string with_scheme(std::string_view scheme, const Settings& settings) {
  const auto colon = settings.address.find("://");
  return std::string(scheme) + settings.address.substr(colon);
}

std::string other_scheme(std::string_view speaks, std::string_view scheme,
                         const Settings& settings) {
  return "the server seems to speak " + std::string(speaks) +
         ": `export BULLA_ADDR=" + with_scheme(scheme, settings) + "`";
}

// libcurl's reasons come from the TLS library and the system: these words have
// been in them for years, and a miss costs no more than a general hint.
std::string next_after_tls(const ApiFailure& failure,
                           const Settings& settings) {
  for (const auto sign : {"wrong version number", "packet length too long",
                          "record layer failure", "http request"}) {
    if (says(failure, sign)) {
      return other_scheme("plain HTTP, not TLS", "http", settings);
    }
  }
  if (!says(failure, "certificate") && !says(failure, "SSL")) return {};
  return "name the authority of the server's certificate with -ca-cert=FILE "
         "(BULLA_CACERT), or its name with -tls-server-name";
}

std::string next_after_transport(const ApiFailure& failure,
                                 const Settings& settings) {
  const bool https = settings.address.rfind("https", 0) == 0;
  if (https) {
    auto next = next_after_tls(failure, settings);
    if (!next.empty()) return next;
  }
  if (says(failure, "resolve")) {
    return "check the host name in BULLA_ADDR (now " + settings.address + ")";
  }
  if (says(failure, "mpty reply") || says(failure, "HTTP/0.9") ||
      says(failure, "reset by peer")) {
    return https ? "see the server's log"
                 : other_scheme("TLS", "https", settings);
  }
  if (says(failure, "timed out") || says(failure, "imeout")) {
    return "check that " + settings.address +
           " is the server's address (BULLA_ADDR) and can be reached from here";
  }
  return "start a server with `bulla server -dev`, or set BULLA_ADDR to where "
         "one listens (now " +
         settings.address + ")";
}

std::string next_after_refusal(const ApiFailure& failure) {
  const bool bad_token = says(failure, "invalid token") ||
                         says(failure, "bad token") ||
                         says(failure, "missing client token");
  if (!failure.had_token || bad_token) {
    return "`bulla login` with a valid token, or set BULLA_TOKEN";
  }
  return "`bulla token capabilities " + failure.path +
         "` shows what your token may do there; `bulla login` to use another";
}

std::string next_after_status(const ApiFailure& failure) {
  const int status = failure.status;
  if (says(failure, "is not initialized")) return "`bulla operator init`";
  if (says(failure, "HTTP request to an HTTPS server")) {
    return "set BULLA_ADDR to an https:// address";
  }
  if (status == 403 || says(failure, "missing client token")) {
    return next_after_refusal(failure);
  }
  if (status == 503 && says(failure, "sealed")) {
    return "`bulla operator unseal` (and `bulla operator init` before it on a "
           "new server)";
  }
  if (says(failure, "no handler for route")) {
    return "`bulla secrets list` and `bulla auth list` show what is mounted";
  }
  if (says(failure, "unsupported") || status == 405) {
    return "`bulla path-help " + failure.path + "` shows what is offered there";
  }
  if (status == 413) return "send less at once";
  if (status == 429) return "wait a moment and try again";
  if (status == 503) return "`bulla status`";
  if (status >= 500) return "see the server's log";
  if (status == 404) return "check the path, and BULLA_ADDR";
  return "`bulla path-help " + failure.path + "` describes the parameters";
}

std::string status_text(const ApiFailure& failure) {
  std::string out = "Error making API request.\n\nURL: " + failure.method +
                    " " + failure.url +
                    "\nCode: " + std::to_string(failure.status) + ". ";
  if (!failure.message.empty()) {
    return out + "Raw Message:\n\n" + visible(failure.message);
  }
  out += "Errors:\n";
  for (const auto& error : failure.errors) out += "\n* " + visible(error);
  while (out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace

std::string next_step(const ApiFailure& failure, const Settings& settings) {
  if (failure.kind == ApiFailure::Kind::kStatus) {
    return next_after_status(failure);
  }
  if (failure.kind == ApiFailure::Kind::kTransport) {
    return next_after_transport(failure, settings);
  }
  return {};
}

std::string failure_cause(std::string_view what, const ApiFailure& failure) {
  std::string out = std::string(what) + ": ";
  if (failure.kind == ApiFailure::Kind::kStatus) {
    out += status_text(failure);
  } else if (failure.kind == ApiFailure::Kind::kTransport) {
    out += failure.method + " \"" + failure.url + "\": " + failure.message;
  } else {
    out += failure.message;
  }
  return out;
}

std::string failure_text(std::string_view what, const ApiFailure& failure,
                         const Settings& settings) {
  const std::string out = failure_cause(what, failure);
  const std::string next = next_step(failure, settings);
  return next.empty() ? out : out + "\n\nNext: " + next;
}

std::string store_failure_text(std::string_view what,
                               const ApiFailure& failure) {
  std::string out = std::string(what) + ": " + visible(failure.message);
  for (std::size_t i = 0; i < failure.errors.size(); ++i) {
    out += (i == 0 ? "" : "; ") + visible(failure.errors[i]);
  }
  return out;
}

int exit_code(const ApiFailure& failure) {
  if (failure.kind == ApiFailure::Kind::kShown) return 0;
  return failure.kind == ApiFailure::Kind::kLocal ? 1 : 2;
}

}  // namespace bulla::cli
