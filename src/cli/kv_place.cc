#include "cli/kv_place.h"

#include "cli/paths.h"

namespace bulla::cli {

std::optional<KvPlace> find_kv_place(Invocation& call, int& code) {
  std::string path = clean_path(call.argument(0));
  if (call.flags().given("mount")) {
    path = clean_path(mount_path(call.flags().text("mount")) + path);
  }
  const auto answer = call.api().get("sys/internal/ui/mounts/" + path);
  if (!answer) {
    code = call.fail("Error finding the mount of " + path, answer.error());
    return std::nullopt;
  }
  KvPlace place;
  const Value* const data = answer->json.find("data");
  if (data != nullptr) place.mount = data->text_of("path");
  const Value* const options =
      data == nullptr ? nullptr : data->find("options");
  place.versioned = options != nullptr && options->text_of("version") == "2";
  if (path.size() > place.mount.size()) {
    place.rest = path.substr(place.mount.size());
  }
  return place;
}

std::optional<KvPlace> find_versioned(Invocation& call, int& code,
                                      int refused) {
  auto place = find_kv_place(call, code);
  if (!place || place->versioned) return place;
  call.refuse(
      place->mount + " is a mount of version 1, which keeps no versions",
      "`bulla kv enable-versioning " + place->mount +
          "` raises it to version 2");
  code = refused;
  return std::nullopt;
}

const Value* record_data(const KvPlace& place, const ApiAnswer& answer) {
  const Value* const data = answer.json.find("data");
  if (data == nullptr || !place.versioned) return data;
  return data->find("data");
}

int finish_kv(Invocation& call, const ApiResult<ApiAnswer>& answer,
              const std::string& path, std::string_view done) {
  if (!answer) return call.fail("Error changing " + path, answer.error());
  return call.done("Success! " + std::string(done) + " at: " + path);
}

}  // namespace bulla::cli
