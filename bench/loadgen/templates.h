#pragma once

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/options.h"

namespace bulla::loadgen {

struct Template {
  std::string path;
  std::string body;
  std::string length;
  std::string http1;   ///< The whole request.
  bool aside = false;  ///< Load beside what is measured: not in the latencies.
};

class Templates {
 public:
  explicit Templates(const Options& options) : random_(options.random) {
    if (options.templates.empty()) {
      add(options, options.path, options.body);
      return;
    }
    std::ifstream file(options.templates);
    std::string line;
    while (std::getline(file, line)) {
      const auto tab = line.find('\t');
      if (tab == std::string::npos) die("a template line has no tab");
      add(options, line.substr(0, tab), line.substr(tab + 1));
    }
    if (all_.empty()) die("no templates in " + options.templates);
  }

  const Template& next() {
    if (all_.size() == 1) return all_.front();
    if (!random_) {
      if (++at_ >= all_.size()) at_ = 0;
      return all_[at_];
    }
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return all_[state_ % all_.size()];
  }

 private:
  void add(const Options& options, std::string path, std::string body) {
    const bool aside = path.starts_with('~');
    if (aside) path.erase(0, 1);
    Template t{std::move(path), std::move(body), {}, {}, aside};
    t.length = std::to_string(t.body.size());
    t.http1 = options.method + " " + t.path +
              " HTTP/1.1\r\nHost: " + options.host + ":" +
              std::to_string(options.port) + "\r\n";
    for (const auto& [name, value] : options.headers) {
      t.http1 += name + ": " + value + "\r\n";
    }
    if (!t.body.empty()) t.http1 += "Content-Length: " + t.length + "\r\n";
    t.http1 += "\r\n" + t.body;
    all_.push_back(std::move(t));
  }

  std::vector<Template> all_;
  std::size_t at_ = 0;
  std::uint64_t state_ = 0x9e3779b97f4a7c15U;
  bool random_;
};

}  // namespace bulla::loadgen
