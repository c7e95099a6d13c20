#include "loadgen/options.h"

#include <functional>
#include <map>

namespace bulla::loadgen {
namespace {

using Setter = std::function<void(Options&, const std::string&)>;

void add_header(Options& o, const std::string& text) {
  const auto colon = text.find(": ");
  if (colon == std::string::npos) die("-H wants 'Name: value'");
  o.headers.emplace_back(text.substr(0, colon), text.substr(colon + 2));
}

const std::map<std::string, bool Options::*>& switches() {
  static const std::map<std::string, bool Options::*> kAll{
      {"--tls", &Options::tls},
      {"--h2", &Options::h2},
      {"--random", &Options::random}};
  return kAll;
}

Setter text(std::string Options::*member) {
  return [member](Options& o, const std::string& v) { o.*member = v; };
}
Setter number(unsigned Options::*member) {
  return [member](Options& o, const std::string& v) {
    o.*member = static_cast<unsigned>(std::stoul(v));
  };
}
Setter real(double Options::*member) {
  return
      [member](Options& o, const std::string& v) { o.*member = std::stod(v); };
}

const std::map<std::string, Setter>& setters() {
  static const std::map<std::string, Setter> kAll{
      {"--host", text(&Options::host)},
      {"--port",
       [](Options& o, const std::string& v) {
         o.port = static_cast<std::uint16_t>(std::stoul(v));
       }},
      {"-c", number(&Options::connections)},
      {"-d", number(&Options::depth)},
      {"-s", real(&Options::seconds)},
      {"--requests",
       [](Options& o, const std::string& v) { o.requests = std::stoull(v); }},
      {"--warmup", real(&Options::warmup)},
      {"--method", text(&Options::method)},
      {"--path", text(&Options::path)},
      {"--body", text(&Options::body)},
      {"--templates", text(&Options::templates)},
      {"-H", add_header}};
  return kAll;
}

}  // namespace

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (const auto it = switches().find(flag); it != switches().end()) {
      o.*(it->second) = true;
      continue;
    }
    const auto it = setters().find(flag);
    if (it == setters().end()) die("unknown flag " + flag);
    if (++i == argc) die(flag + " needs a value");
    it->second(o, argv[i]);
  }
  return o;
}

}  // namespace bulla::loadgen
