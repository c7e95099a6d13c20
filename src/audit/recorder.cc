#include <cstring>
#include <limits>

#include "audit/broker.h"
#include "audit/device.h"
#include "audit/entry.h"

namespace bulla::audit {
namespace {

// What a large request leaves behind is given back.
constexpr std::size_t kKeptBytesMax = std::size_t{1} << 20;

// Our own answers; what they hold was bounded when it came in.
constexpr JsonLimits kAnswerLimits{
    .depth = 1024,
    .string_bytes = std::numeric_limits<std::size_t>::max(),
    .object_entries = std::numeric_limits<std::size_t>::max(),
    .array_elements = std::numeric_limits<std::size_t>::max(),
    .memory_bytes = std::numeric_limits<std::size_t>::max(),
    .strings = std::numeric_limits<std::size_t>::max()};

// One device, the lines that wait for it, and their writer.
struct Pen {
  explicit Pen(std::shared_ptr<Device> its_device)
      : device(std::move(its_device)), writer(*device) {}

  std::shared_ptr<Device> device;
  EntryWriter writer;
  std::string lines;
};

}  // namespace

struct Recorder::Impl {
  explicit Impl(const Broker& broker) : devices(broker.devices()) {}

  void follow();
  ResponseData parse(std::string_view text);
  void forget_answer();

  Subscription<DeviceList> devices;
  std::shared_ptr<const DeviceList> known;
  std::vector<std::unique_ptr<Pen>> pens;
  bool waiting = false;
  TimeText time;
  JsonParser parser;
  std::string padded;
};

// Takes up the devices as they are now; lines that wait keep those they were
// written for.
void Recorder::Impl::follow() {
  if (waiting) return;
  const auto& now = devices.get();
  if (now == known) [[likely]]
    return;
  known = now;
  pens.clear();
  for (const auto& device : *known) {
    pens.push_back(std::make_unique<Pen>(device));
  }
}

ResponseData Recorder::Impl::parse(std::string_view text) {
  if (text.empty()) return {};
  padded.reserve(text.size() + simdjson::SIMDJSON_PADDING);
  padded.assign(text);
  const auto element = parse_json(parser, padded, kAnswerLimits, true);
  if (!element || !element->is_object()) return {std::nullopt, text};
  return {JsonObject(*element), {}};
}

void Recorder::Impl::forget_answer() {
  if (padded.capacity() <= kKeptBytesMax) return;
  padded = std::string();
  parser = JsonParser();
}

Recorder::Recorder(const Broker& broker)
    : impl_(std::make_unique<Impl>(broker)) {}

Recorder::~Recorder() = default;

bool Recorder::active() {
  impl_->follow();
  return !impl_->pens.empty();
}

void Recorder::request(const Event& event) {
  if (!active()) return;
  const std::string_view time = impl_->time.format(event.time);
  for (const auto& pen : impl_->pens) {
    pen->writer.append_request(pen->lines, time, event);
  }
  impl_->waiting = true;
}

void Recorder::response(const Event& event) {
  if (!active()) return;
  const ResponseData data =
      event.raw != nullptr ? ResponseData{std::nullopt, event.response_data}
                           : impl_->parse(event.response_data);
  const std::string_view time = impl_->time.format(event.time);
  for (const auto& pen : impl_->pens) {
    pen->writer.append_response(pen->lines, time, event, data);
  }
  impl_->waiting = true;
  impl_->forget_answer();
}

bool Recorder::flush() {
  if (!impl_->waiting) return true;
  bool taken = false;
  for (const auto& pen : impl_->pens) {
    // Every device is tried: each is to be as complete as it can be.
    if (pen->device->write(pen->lines)) taken = true;
    pen->lines.clear();
    if (pen->lines.capacity() > kKeptBytesMax) pen->lines = std::string();
  }
  impl_->waiting = false;
  return taken;
}

bool Recorder::pending() const { return impl_->waiting; }

}  // namespace bulla::audit
