// What an audit line costs: the two lines of an encrypt, and the hash of one
// value in them.

#include <benchmark/benchmark.h>

#include <string>

#include "audit/device.h"
#include "audit/entry.h"
#include "base/json.h"

namespace {

using namespace bulla;

constexpr std::string_view kSalt = "a1b2c3d4-0000-1111-2222-333344445555";
constexpr std::string_view kPlaintext =
    R"({"plaintext":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAx)"
    R"(MjM0NTY3ODkwMTIzNDU2Nzg5MDEyMw=="})";
constexpr std::string_view kCiphertext =
    R"({"ciphertext":"vault:v1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMz)"
    R"(Q1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2)"
    R"(Nzg=","key_version":1})";

// Takes lines to nowhere.
class NullDevice final : public audit::Device {
 public:
  NullDevice() : Device({.path = "null/", .type = "null"}, {}, kSalt) {}
  bool write(std::string_view /*lines*/) override { return true; }
  Result<void> reopen() override { return {}; }
};

// A request to encrypt, as the pipeline tells of it.
struct Encrypt {
  Encrypt() {
    token.hash = "0123";
    token.accessor = "acc";
    token.display_name = "token";
    token.policies = {"default", "ops"};
    token.issue_time = from_unix_nanos(1'767'323'045'000'000'000);
    mount.path = "transit/";
    mount.type = "transit";
    mount.accessor = "transit_12345678";
    request.operation = api::Operation::kUpdate;
    request.path = "transit/encrypt/a";
    request.id = "11111111-2222-4333-8444-555555555555";
    request.remote_address = "127.0.0.1";
    request.remote_port = 40000;
    event.request = &request;
    event.token = &token;
    event.client_token = "s.abcdefghijklmnopqrstuvwx";
    event.mount = &mount;
  }

  api::Token token;
  api::MountConfig mount;
  api::Request request;
  audit::Event event;
};

void audit_encrypt_lines(benchmark::State& state) {
  const NullDevice device;
  audit::EntryWriter writer(device);
  audit::TimeText time;
  JsonParser bodies;
  JsonParser answers;
  Encrypt encrypt;
  auto body = parse_json(bodies, kPlaintext);
  if (!body || !encrypt.request.fields.bind({}, {}, JsonObject(*body))) {
    return state.SkipWithError("the body does not parse");
  }
  std::int64_t now = 1'767'323'045'678'000'000;
  std::string lines;
  for (auto _ : state) {
    lines.clear();
    encrypt.event.time = from_unix_nanos(now += 7'919);
    writer.append_request(lines, time.format(encrypt.event.time),
                          encrypt.event);
    const auto answer = parse_json(answers, kCiphertext);
    writer.append_response(lines, time.format(encrypt.event.time),
                           encrypt.event, {JsonObject(*answer), {}});
    benchmark::DoNotOptimize(lines.data());
  }
  state.counters["line_bytes"] = static_cast<double>(lines.size());
}
BENCHMARK(audit_encrypt_lines);

void audit_hash(benchmark::State& state) {
  const audit::ValueHasher hasher(kSalt);
  const std::string value(static_cast<std::size_t>(state.range(0)), 'x');
  std::string out;
  for (auto _ : state) {
    out.clear();
    hasher.append(out, value);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(audit_hash)->Arg(26)->Arg(88)->Arg(136);

}  // namespace
