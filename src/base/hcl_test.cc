#include "base/hcl.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

namespace bulla {
namespace {

// The tree as one line: items end in ';', objects are {…}, lists […], strings
// '…', numbers #text=value.
std::string show(const HclObject& object);

std::string show(const HclValue& value) {
  if (const auto* text = value.string()) return fmt::format("'{}'", *text);
  if (const auto* number = value.number()) {
    return fmt::format("#{}={}", number->text, number->value);
  }
  if (const auto* flag = value.boolean()) return *flag ? "true" : "false";
  if (const auto* object = value.object()) {
    return fmt::format("{{{}}}", show(*object));
  }
  std::string out = "[";
  for (const HclValue& element : value.list()->values) {
    out += show(element);
    out += ',';
  }
  return out += ']';
}

std::string show(const HclObject& object) {
  std::string out;
  for (const HclItem& item : object.items) {
    out += item.key;
    for (const auto& label : item.labels) out += fmt::format("<{}>", label);
    out += fmt::format("={};", show(*item.value));
  }
  return out;
}

std::string parsed(std::string_view text) {
  const auto root = parse_hcl(text);
  return root ? show(*root) : root.error().message();
}

TEST(Hcl, Scalars) {
  EXPECT_EQ(parsed("a = \"x\" b = 1\nc = true d = false"),
            "a='x';b=#1=1;c=true;d=false;");
  EXPECT_EQ(parsed("n = -17 h = 0x1F o = 0755 f = 1.5 e = 1e3 g = -2.5E-1 "
                   "p = .5"),
            "n=#-17=-17;h=#0x1F=31;o=#0755=493;f=#1.5=1.5;e=#1e3=1000;"
            "g=#-2.5E-1=-0.25;p=#.5=0.5;");
  EXPECT_EQ(parsed("a.b-c_d = 1"), "a.b-c_d=#1=1;");
  EXPECT_EQ(parsed("\"quoted key\" = 1"), "quoted key=#1=1;");
  EXPECT_EQ(parsed(""), "");
  EXPECT_EQ(parsed("\xef\xbb\xbf"
                   "a = 1"),
            "a=#1=1;");
}

TEST(Hcl, Comments) {
  EXPECT_EQ(parsed("# one\n// two\n/* three\n# */ a = 1 # four\nb = 2 // five"),
            "a=#1=1;b=#2=2;");
  EXPECT_EQ(parsed("a = \"# no comment\""), "a='# no comment';");
}

TEST(Hcl, BlocksAndLabels) {
  EXPECT_EQ(parsed("listener \"tcp\" {\n  address = \"127.0.0.1:8200\"\n}\n"
                   "path \"a/*\" { capabilities = [\"read\", \"list\",] }\n"
                   "x a b {} y = {} z {c = 1, d = 2}"),
            "listener<tcp>={address='127.0.0.1:8200';};"
            "path<a/*>={capabilities=['read','list',];};"
            "x<a><b>={};y={};z={c=#1=1;d=#2=2;};");
}

TEST(Hcl, ListsNest) {
  EXPECT_EQ(parsed("a = [] b = [1, [true, \"x\"], {c = 1}]"),
            "a=[];b=[#1=1,[true,'x',],{c=#1=1;},];");
}

TEST(Hcl, RepeatedKeysKeepTheirOrder) {
  const auto root = parse_hcl("a = 1\nb = 2\na = 3");
  ASSERT_TRUE(root.has_value());
  EXPECT_EQ(root->all("a").size(), 2U);
  EXPECT_EQ(root->find("a")->value->scalar_text(), "1");
  EXPECT_EQ(root->all("a")[1]->value->scalar_text(), "3");
  EXPECT_EQ(root->all("a")[1]->line, 3);
  EXPECT_EQ(root->find("c"), nullptr);
}

TEST(Hcl, Escapes) {
  EXPECT_EQ(parsed(R"(a = "\n\t\"\\\a\b\f\r\v")"), "a='\n\t\"\\\a\b\f\r\v';");
  EXPECT_EQ(parsed(R"(a = "\101\x42\u00e9\U0001f511")"),
            "a='AB\xc3\xa9\xf0\x9f\x94\x91';");
  EXPECT_EQ(parsed(R"(a = "\q")"), "line 1: unknown escape in a string");
  EXPECT_EQ(parsed(R"(a = "\u12")"),
            "line 1: an escape in a string is cut short");
  EXPECT_EQ(parsed(R"(a = "\ud800")"),
            "line 1: an escape in a string is not a character");
  EXPECT_EQ(parsed(R"(a = "\U00110000")"),
            "line 1: an escape in a string is not a character");
}

TEST(Hcl, InterpolationsAreKept) {
  EXPECT_EQ(parsed(R"(a = "x ${f("y", {z})} w")"),
            R"(a='x ${f("y", {z})} w';)");
  EXPECT_EQ(parsed("a = \"$ {\" b = \"$\""), "a='$ {';b='$';");
  EXPECT_EQ(parsed("a = \"${\n}\" b = 1"), "a='${\n}';b=#1=1;");
  EXPECT_EQ(parsed("a = \"${x\"\n"), "line 1: a \"${\" is not closed");
}

TEST(Hcl, Heredocs) {
  EXPECT_EQ(parsed("a = <<EOF\none\n  two\nEOF\nb = 1"),
            "a='one\n  two\n';b=#1=1;");
  EXPECT_EQ(parsed("a = <<-EOF\n    one\n      two\n    EOF\n"),
            "a='one\n  two\n';");
  EXPECT_EQ(parsed("a = <<-EOF\n  one\ntwo\n    EOF\n"), "a='  one\ntwo\n';");
  EXPECT_EQ(parsed("a = <<EOF\nEOF"), "a='';");
  EXPECT_EQ(parsed("a = <<EOF\r\none\r\nEOF\r\n"), "a='one\r\n';");
  EXPECT_EQ(parsed("a = <<EOF\nnot EOF\n"), "line 1: a heredoc is not closed");
  EXPECT_EQ(parsed("a = << EOF\nEOF"),
            "line 1: a heredoc needs a word and a new line after <<");
}

TEST(Hcl, ErrorsNameTheLine) {
  EXPECT_EQ(parsed("a = 1\nb = \n"),
            "line 3: expected a value: a quoted string, a number, true, false, "
            "'[' or '{'");
  EXPECT_EQ(parsed("a = 1\n\nb {\n  c = \"x\n}"),
            "line 4: a string is not closed");
  EXPECT_EQ(parsed("a {\n b = 1\n"), "line 3: expected a key or '}'");
  EXPECT_EQ(parsed("a = [1 2]"), "line 1: expected ',' or ']'");
  EXPECT_EQ(parsed("a = [,]").substr(0, 24), "line 1: expected a value");
  EXPECT_EQ(parsed("a \"b\" = 1"),
            "line 1: expected '{' after a block's labels, not '='");
  EXPECT_EQ(parsed("a"), "line 1: expected '=' or '{' after the key \"a\"");
  EXPECT_EQ(parsed("= 1"), "line 1: expected a key");
  EXPECT_EQ(parsed("}"), "line 1: expected a key");
  EXPECT_EQ(parsed("\n/* x"), "line 2: a comment is not closed");
  EXPECT_EQ(parsed("a = b").substr(0, 24), "line 1: expected a value");
  EXPECT_EQ(parsed("a = 1\n?"), "line 2: unexpected character '?'");
  EXPECT_EQ(parsed("\x01"), "line 1: unexpected control character");
}

TEST(Hcl, OddNumbersAreRefused) {
  for (const std::string_view text :
       {"-", "1.", "1.2.3", "0x", "0xg", "089", "1e", "1e+", "1x", "--1", "1_0",
        "07.5", "0x1p3", "1a"}) {
    EXPECT_EQ(parsed("a = " + std::string(text)), "line 1: not a number")
        << text;
  }
}

TEST(Hcl, HostileTextsAreRefused) {
  EXPECT_EQ(parsed("a = \"\xff\""), "line 1: the text is not valid UTF-8");
  EXPECT_EQ(parsed(std::string_view("a = 1\0", 6)),
            "line 1: the text holds a NUL character");
  EXPECT_EQ(parsed(std::string((1 << 20) + 1, ' ')),
            "line 1: the text is longer than 1048576 bytes");
  EXPECT_EQ(parsed("a = " + std::string(65, '[')), "line 1: nested too deeply");
  EXPECT_EQ(
      parsed("a = " + std::string(64, '[') + std::string(64, ']')).substr(0, 4),
      "a=[[");
  std::string blocks;
  for (int i = 0; i < 5000; ++i) blocks += "a {";
  EXPECT_EQ(parsed(blocks), "line 1: nested too deeply");
  EXPECT_EQ(parsed(std::string(5000, '{')).substr(0, 5), "line ");
}

TEST(HclJson, BecomesTheSameTree) {
  EXPECT_EQ(parsed(R"( {"a": "x", "n": 1e3, "i": -7, "t": true, "l": [1, "y"],
                        "path": {"a/*": {"capabilities": ["read"]}}, "z": null})"),
            "a='x';n=#1e3=1000;i=#-7=-7;t=true;l=[#1=1,'y',];"
            "path={a/*={capabilities=['read',];};};");
  EXPECT_EQ(parsed("{}"), "");
}

TEST(HclJson, RemembersLines) {
  const auto root = parse_hcl(
      "{\n \"a\": \"x\\\"\\\\\",\n \"b\": {\n  \"c\": [1,\n2]},\n\n \"d\": "
      "true\n}");
  ASSERT_TRUE(root.has_value());
  EXPECT_EQ(root->find("a")->line, 2);
  EXPECT_EQ(root->find("b")->line, 3);
  const HclItem* const c = root->find("b")->value->object()->find("c");
  EXPECT_EQ(c->line, 4);
  EXPECT_EQ(c->value->list()->values[1].line, 5);
  EXPECT_EQ(root->find("d")->line, 7);
  EXPECT_EQ(root->find("d")->value->line, 7);
}

TEST(HclJson, ErrorsNameTheLine) {
  const auto line_of = [](std::string_view text) {
    const std::string message = parsed(text);
    return message.substr(0, message.find(':'));
  };
  EXPECT_EQ(parsed("{\n\"a\": 1,\n\"b\": nope\n}").substr(0, 36),
            "line 3: failed to decode JSON input:");
  EXPECT_EQ(line_of("{\n\"a\": [1\n2]\n}"), "line 3");
  EXPECT_EQ(line_of("{\n\"a\": \"x\n}"), "line 2");
  EXPECT_EQ(line_of("{\n\"a\":\n\n}"), "line 4");
  EXPECT_EQ(line_of("{\n\"a\": 1,\n}"), "line 3");
  EXPECT_EQ(line_of("{\n\"a\": 1\n\n"), "line 4");
  EXPECT_EQ(line_of("{\n}\nx"), "line 3");
  EXPECT_EQ(line_of("{\n]"), "line 2");
  EXPECT_EQ(line_of("{\n\"a\" 1}"), "line 2");
  EXPECT_EQ(parsed("{\n\"a\": [1, null]\n}"), "line 2: a list holds null");
  const std::string deep =
      "{\n\"a\":" + std::string(100, '[') + std::string(100, ']') + "}";
  EXPECT_EQ(line_of(deep), "line 2");
}

// Any text at all gives a tree or an error with a line.
TEST(Hcl, SurvivesMutation) {
  std::mt19937_64 random(5);
  const std::string seeds[] = {
      "a = \"x${y}\\n\" b { c = [1, 2.5, {d = true}] } e <<EOF\nf\nEOF\n",
      "{\"a\": [1, {\"b\": \"c\\u00e9\"}], \"d\": null}",
      "path \"x/*\" { capabilities = [\"read\"] } # c\n/* d */ n = 0x1F"};
  static constexpr std::string_view kOdd = "{}[]=,\"\\$<-\n#/*.0x \xc3\xa9";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seeds[random() % 3];
    for (std::size_t i = random() % 6; i > 0; --i) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0)
        text[at] = kOdd[random() % kOdd.size()];
      else
        text.insert(at, 1, kOdd[random() % kOdd.size()]);
    }
    const auto root = parse_hcl(text);
    EXPECT_TRUE(root || root.error().message().starts_with("line "));
  }
}

}  // namespace
}  // namespace bulla
