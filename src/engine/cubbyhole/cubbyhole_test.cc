#include "engine/cubbyhole/cubbyhole.h"

#include <gtest/gtest.h>

#include "engine/test_support.h"

namespace bulla::engine::cubbyhole {
namespace {

using api::Operation;

class CubbyholeTest : public EngineTest {
 protected:
  static std::shared_ptr<const api::Token> token(
      std::string hash, api::Token::Type type = api::Token::Type::kService) {
    auto made = std::make_shared<api::Token>();
    made->hash = std::move(hash);
    made->type = type;
    return made;
  }
  Outcome call(const std::shared_ptr<const api::Token>& who,
               Operation operation, std::string_view path,
               std::string_view body = {}) {
    api::Context context = request_context(loop_);
    context.token = who;
    return run(backend_, context, operation, path, body);
  }

  CubbyholeBackend backend_{backend_context()};
  std::shared_ptr<const api::Token> alice_ = token("aa");
  std::shared_ptr<const api::Token> bob_ = token("bb");
};

TEST_F(CubbyholeTest, EachTokenHasItsOwnDrawer) {
  EXPECT_TRUE(call(alice_, Operation::kUpdate, "a/b", R"({"x":"1"})").ok);
  EXPECT_EQ(call(alice_, Operation::kRead, "a/b").data, R"({"x":"1"})");
  EXPECT_FALSE(call(bob_, Operation::kRead, "a/b").response.present);
  EXPECT_EQ(call(alice_, Operation::kRead, "a/b").response.lease_duration,
            Seconds{0});
}

TEST_F(CubbyholeTest, AnyMembersAndTheirNumbersAreKept) {
  const std::string body =
      R"({"n":9007199254740993,"f":1.25,"limit":"abc","path":[1,{"a":null}]})";
  const Outcome put = call(alice_, Operation::kUpdate, "n", body);
  ASSERT_TRUE(put.ok) << put.error;
  EXPECT_FALSE(put.response.present);
  EXPECT_EQ(call(alice_, Operation::kRead, "n").data, body);
}

TEST_F(CubbyholeTest, ListsOneLevel) {
  for (const char* path : {"b", "a/x", "a/y", "c"}) {
    ASSERT_TRUE(call(alice_, Operation::kUpdate, path, R"({"x":1})").ok);
  }
  EXPECT_EQ(call(alice_, Operation::kList, "").data,
            R"({"keys":["a/","b","c"]})");
  EXPECT_EQ(call(alice_, Operation::kList, "a").data, R"({"keys":["x","y"]})");
  EXPECT_EQ(
      call(alice_, Operation::kList, "", R"({"after":"a/","limit":1})").data,
      R"({"keys":["b"]})");
  EXPECT_FALSE(call(alice_, Operation::kList, "q").response.present);
}

TEST_F(CubbyholeTest, DeleteAndDrop) {
  ASSERT_TRUE(call(alice_, Operation::kUpdate, "a", R"({"x":1})").ok);
  ASSERT_TRUE(call(alice_, Operation::kUpdate, "b", R"({"x":1})").ok);
  ASSERT_TRUE(call(bob_, Operation::kUpdate, "a", R"({"x":1})").ok);
  EXPECT_TRUE(call(alice_, Operation::kDelete, "a").ok);
  EXPECT_FALSE(call(alice_, Operation::kRead, "a").response.present);
  EXPECT_TRUE(backend_.drop("aa"));
  EXPECT_FALSE(call(alice_, Operation::kRead, "b").response.present);
  EXPECT_TRUE(call(bob_, Operation::kRead, "a").response.present);
  EXPECT_TRUE(backend_.drop(""));  // a batch token's: nothing to do
  EXPECT_TRUE(call(bob_, Operation::kRead, "a").response.present);
}

TEST_F(CubbyholeTest, Refusals) {
  EXPECT_EQ(
      call(token("", api::Token::Type::kBatch), Operation::kRead, "a").error,
      "cubbyhole operations are only supported by \"service\" type tokens");
  EXPECT_FALSE(call(nullptr, Operation::kRead, "a").ok);
  for (const char* body : {"", "{}"}) {
    const Outcome empty = call(alice_, Operation::kUpdate, "a", body);
    EXPECT_EQ(empty.code, ErrorCode::kInternal);
    EXPECT_EQ(empty.error, "missing data fields");
  }
  const std::string large = R"({"x":")" +
                            std::string(barrier::Barrier::kValueBytesMax, 'x') +
                            R"("})";
  EXPECT_EQ(call(alice_, Operation::kUpdate, "a", large).code,
            ErrorCode::kTooLarge);
}

TEST_F(CubbyholeTest, ExistenceDecidesCreateAgainstUpdate) {
  const api::Route& route = backend_.routes().front();
  api::Context context = request_context(loop_);
  context.token = alice_;
  api::Request request;
  const api::PathParam path{"path", "a"};
  ASSERT_TRUE(request.fields.bind(route.fields, {&path, 1}, std::nullopt));
  EXPECT_FALSE(route.exists(request, context).value());
  ASSERT_TRUE(backend_.write("aa", "a", "{}"));
  EXPECT_TRUE(route.exists(request, context).value());
  EXPECT_EQ(backend_.read("aa", "a").value(), "{}");
  context.may_block = false;
  EXPECT_EQ(route.exists(request, context).error().code(),
            ErrorCode::kWouldBlock);
}

}  // namespace
}  // namespace bulla::engine::cubbyhole
