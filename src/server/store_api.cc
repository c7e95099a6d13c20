#include "server/store_api.h"

#include <array>

#include "audit/broker.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "crypto/rng.h"
#include "server/core.h"
#include "server/envelope.h"
#include "server/error_status.h"
#include "server/router_rules.h"

namespace bulla::server {
namespace {

constexpr std::string_view kMount = "sys/";

// The path inside sys/: of "https://…/v1/sys/kek/rotate", "kek/rotate".
std::string_view relative_path(std::string_view url) {
  constexpr std::string_view kBefore = "/v1/sys/";
  const std::size_t at = url.find(kBefore);
  if (at == std::string_view::npos) return {};
  url.remove_prefix(at + kBefore.size());
  return url.substr(0, url.find('?'));
}

constexpr std::string_view kReencrypt = "encryption-keys/reencrypt";

bool is_answered(std::string_view path) {
  return path == "kek" || path.starts_with("kek/") || path == kReencrypt ||
         path.starts_with("jobs/");
}

net::ClientResponse failed(const Error& error) {
  net::ClientResponse out;
  out.status = http_status(error.code());
  out.body = error_body(error, false);
  return out;
}

}  // namespace

struct StoreApi::Impl {
  Impl(DaemonParts given, LogLevel level)
      : parts(std::move(given)),
        log(clock, level, LogFormat::kStandard),
        core({parts.config, *parts.storage, rng, clock, log,
              std::move(parts.providers), std::move(parts.engines), true,
              std::move(parts.custody_options)}) {}

  Result<void> open();
  Result<void> check_writable() const;
  Result<api::Response> run(api::Request& request, const api::Route& route);

  DaemonParts parts;
  SystemClock clock;
  crypto::SystemRng rng;
  Logger log;
  Core core;
  JsonParser parser;
  bool empty = false;      ///< Nothing is initialised here.
  std::string why_sealed;  ///< "" where it is open, or empty.
  /// From the first order on: who only looks changes nothing.
  std::optional<dek::ReencryptThread> reencrypting;
};

StoreApi::StoreApi(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

StoreApi::~StoreApi() {
  impl_->reencrypting.reset();
  impl_->core.seal();
}

Result<void> StoreApi::Impl::open() {
  parts.add_fixed_mounts(core);
  core.mounts().start();
  TRY_ASSIGN(const bool initialised, core.custody().initialized());
  empty = !initialised;
  if (empty) return {};
  TRY(core.custody().check_install());
  const auto opened = core.auto_unseal();
  if (!opened) {
    why_sealed = opened.error().message();
  } else if (!*opened) {
    why_sealed = "no passkey of the store opens by itself";
  }
  return {};
}

Result<std::unique_ptr<StoreApi>> StoreApi::open(DaemonParts parts) {
  if (!parts.config.disable_mlock) TRY(require_lockable_memory());
  auto impl = std::make_unique<Impl>(std::move(parts), LogLevel::kError);
  TRY(impl->open());
  return std::unique_ptr<StoreApi>(new StoreApi(std::move(impl)));
}

Result<void> StoreApi::Impl::check_writable() const {
  if (empty || why_sealed.empty()) return {};
  return fail(unavailable(
      "the store does not open, so that nothing can be put on its audit "
      "record: " +
      why_sealed));
}

Result<api::Response> StoreApi::Impl::run(api::Request& request,
                                          const api::Route& route) {
  const api::Method* const method = find_method(route, request.operation);
  if (method == nullptr) {
    return fail(ErrorCode::kUnsupported, "unsupported operation");
  }
  const bool writes = request.operation != api::Operation::kRead;
  if (writes) TRY(check_writable());
  api::LoopState loop;
  api::Context context;
  context.now = clock.now();
  context.rng = &rng;
  context.loop = &loop;
  context.sudo = true;
  if (empty || !core.serving()) return method->handler(request, context);
  audit::Recorder recorder(core.audit());
  const auto mount = core.mounts().at(kMount);
  audit::Event event{context.now,    &request, nullptr, {},
                     &mount->config, nullptr,  {},      {}};
  const auto recorded = [&]() -> Result<void> {
    if (recorder.flush()) return {};
    return fail(internal_error("no audit device took the line"));
  };
  if (recorder.active()) {
    recorder.request(event);
    TRY(recorded());
  }
  auto result = method->handler(request, context);
  if (!recorder.active()) return result;
  const api::Response none;
  event.time = clock.now();
  event.response = result ? &*result : &none;
  event.response_data = event.response->data;
  if (!result) event.error = result.error().message();
  recorder.response(event);
  TRY(recorded());
  return result;
}

net::ClientResponse StoreApi::answer(const net::ClientRequest& sent) {
  const std::string path(relative_path(sent.url));
  const auto mount = impl_->core.mounts().at(kMount);
  const RouteMatch match =
      is_answered(path) ? mount->matcher->match(path) : RouteMatch{};
  if (match.route == nullptr) {
    return failed(not_found(
        "without a server only sys/kek answers, and what re-encrypts"));
  }
  std::array<std::uint8_t, 16> random;
  impl_->rng.fill(random);
  char id[36];
  uuid_format(random, id);
  const std::string full = std::string(kMount) + path;
  api::Request request;
  request.path = full;
  request.mount_point = kMount;
  request.relative = path;
  request.operation =
      sent.method == "GET" ? api::Operation::kRead : api::Operation::kUpdate;
  request.id = {id, sizeof id};
  const auto run = [&]() -> Result<api::Response> {
    std::optional<JsonObject> body;
    if (!sent.body.empty()) {
      TRY_ASSIGN(const JsonElement element,
                 parse_json(impl_->parser, sent.body));
      body = JsonObject(element);
    }
    TRY(request.fields.bind(match.route->fields,
                            std::span(match.params.data(), match.param_count),
                            body));
    return impl_->run(request, *match.route);
  };
  const auto result = run();
  if (!result) return failed(result.error());
  if (path == kReencrypt && !request.fields.boolean("dry_run") &&
      !impl_->reencrypting) {
    impl_->reencrypting.emplace(impl_->core.reencryptor());
  }
  net::ClientResponse out;
  out.status = 200;
  append_envelope(out.body, *result, request.id);
  return out;
}

}  // namespace bulla::server
