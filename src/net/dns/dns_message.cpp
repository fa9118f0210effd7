// SPDX-License-Identifier: Apache-2.0
#include "net/dns/dns_message.h"

#include <algorithm>
#include <unordered_map>

#include "base/concat.h"

namespace boxlite::net {
namespace {

constexpr std::size_t header_size = 12;
constexpr std::size_t longest_name = 255;
constexpr std::size_t longest_label = 63;
// Records are small on the wire and larger in memory, as each may name its owner by a pointer.
constexpr std::size_t most_records = 1024;
constexpr std::uint8_t pointer_bits = 0xc0;
constexpr std::size_t furthest_pointer = 0x3fff;
constexpr std::uint16_t extended_error_option = 15;

constexpr std::uint16_t response_bit = 0x8000;
constexpr std::uint16_t truncated_bit = 0x0200;
constexpr std::uint16_t recursion_wanted_bit = 0x0100;
constexpr std::uint16_t recursion_offered_bit = 0x0080;

std::unexpected<Error> broken(std::string_view why) {
  return fail(ErrorCode::corrupted, concat("DNS message: ", why));
}

// Where the content of a record holds names, which the sender may have compressed (RFC 3597, section 4).
struct Layout {
  std::uint16_t type;
  std::size_t bytes_before;
  int names;
  std::size_t bytes_after;
};
constexpr Layout layouts[] = {
    {2, 0, 1, 0},   // NS
    {5, 0, 1, 0},   // CNAME
    {6, 0, 2, 20},  // SOA
    {12, 0, 1, 0},  // PTR
    {15, 2, 1, 0},  // MX
    {17, 0, 2, 0},  // RP
    {18, 2, 1, 0},  // AFSDB
    {21, 2, 1, 0},  // RT
    {33, 6, 1, 0},  // SRV
    {39, 0, 1, 0},  // DNAME
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::size_t at() const { return at_; }
  bool is_at_end() const { return at_ == bytes_.size(); }

  Result<std::string_view> take(std::size_t count) {
    if (bytes_.size() - at_ < count) return broken("it ends too early");
    const auto taken = bytes_.substr(at_, count);
    at_ += count;
    return taken;
  }

  Result<std::uint16_t> take_u16() {
    const auto bytes = BOXLITE_TRY(take(2));
    return static_cast<std::uint16_t>(static_cast<std::uint8_t>(bytes[0]) << 8 |
                                      static_cast<std::uint8_t>(bytes[1]));
  }

  Result<std::uint32_t> take_u32() {
    const auto high = BOXLITE_TRY(take_u16());
    const auto low = BOXLITE_TRY(take_u16());
    return std::uint32_t{high} << 16 | low;
  }

  // A pointer leads to before the piece of name it stands in: every name ends.
  Result<DnsName> take_name() {
    std::string wire;
    auto piece_begin = at_;
    std::optional<std::size_t> behind;  // of the first pointer
    while (true) {
      const auto length = static_cast<std::uint8_t>(BOXLITE_TRY(take(1)).front());
      if ((length & pointer_bits) == pointer_bits) {
        const auto low = static_cast<std::uint8_t>(BOXLITE_TRY(take(1)).front());
        const auto target = static_cast<std::size_t>((length & ~pointer_bits) << 8 | low);
        if (target >= piece_begin) return broken("a name points forward");
        if (!behind) behind = at_;
        at_ = piece_begin = target;
        continue;
      }
      if (length > longest_label) return broken("a label is of an unknown kind");
      wire += static_cast<char>(length);
      wire += BOXLITE_TRY(take(length));
      if (wire.size() > longest_name) return broken("a name is longer than 255 bytes");
      if (length == 0) break;
    }
    if (behind) at_ = *behind;
    return DnsName::from_wire(std::move(wire));
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

Result<std::string> take_content(Reader& reader, std::uint16_t type, std::size_t length) {
  const auto* layout = std::ranges::find(layouts, type, &Layout::type);
  if (layout == std::end(layouts)) return std::string(BOXLITE_TRY(reader.take(length)));
  const auto begin = reader.at();
  std::string content(BOXLITE_TRY(reader.take(layout->bytes_before)));
  for (int i = 0; i < layout->names; ++i) content += BOXLITE_TRY(reader.take_name()).wire();
  content += BOXLITE_TRY(reader.take(layout->bytes_after));
  if (reader.at() != begin + length) return broken("a record is not as long as it says");
  return content;
}

Result<DnsRecord> take_record(Reader& reader) {
  DnsRecord record;
  record.owner = BOXLITE_TRY(reader.take_name());
  record.type = BOXLITE_TRY(reader.take_u16());
  record.klass = BOXLITE_TRY(reader.take_u16());
  record.ttl = BOXLITE_TRY(reader.take_u32());
  const auto length = BOXLITE_TRY(reader.take_u16());
  record.content = BOXLITE_TRY(take_content(reader, record.type, length));
  const bool is_wrong_size = (record.type == dns_type::a && record.content.size() != 4) ||
                             (record.type == dns_type::aaaa && record.content.size() != 16);
  if (is_wrong_size) return broken("an address is not of its size");
  return record;
}

Result<void> take_records(Reader& reader, std::size_t count, std::vector<DnsRecord>& out) {
  for (std::size_t i = 0; i < count; ++i) {
    auto record = BOXLITE_TRY(take_record(reader));
    if (record.type == dns_type::opt) return broken("EDNS stands in the wrong section");
    out.push_back(std::move(record));
  }
  return {};
}

Result<void> take_additional(Reader& reader, std::size_t count, DnsMessage& out) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto record = BOXLITE_TRY(take_record(reader));
    if (record.type != dns_type::opt) continue;
    if (out.edns_size) return broken("EDNS stands there twice");
    out.edns_size = record.klass;
    out.rcode = static_cast<std::uint16_t>(out.rcode | (record.ttl >> 24) << 4);
  }
  return {};
}

Result<DnsQuestion> take_question(Reader& reader) {
  DnsQuestion question;
  question.name = BOXLITE_TRY(reader.take_name());
  question.type = BOXLITE_TRY(reader.take_u16());
  question.klass = BOXLITE_TRY(reader.take_u16());
  return question;
}

class Writer {
 public:
  void put_u16(std::size_t number) {
    bytes_ += static_cast<char>(number >> 8 & 0xff);
    bytes_ += static_cast<char>(number & 0xff);
  }
  void put_u32(std::uint32_t number) {
    put_u16(number >> 16);
    put_u16(number & 0xffff);
  }
  void put(std::string_view bytes) { bytes_ += bytes; }

  // With a pointer to the longest end of it that stands there already.
  void put_name(const DnsName& name) {
    std::string_view rest = name.wire();
    while (rest.size() > 1) {
      const auto [known, is_new] = places_.try_emplace(std::string(rest), bytes_.size());
      if (!is_new) return put_u16(std::size_t{pointer_bits} << 8 | known->second);
      if (bytes_.size() > furthest_pointer) places_.erase(known);
      const auto label = std::size_t{1} + static_cast<std::uint8_t>(rest.front());
      bytes_ += rest.substr(0, label);
      rest.remove_prefix(label);
    }
    bytes_ += '\0';
  }

  void put_record(const DnsRecord& record) {
    put_name(record.owner);
    put_u16(record.type);
    put_u16(record.klass);
    put_u32(record.ttl);
    put_u16(record.content.size());
    put(record.content);
  }

  std::size_t size() const { return bytes_.size(); }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
  std::unordered_map<std::string, std::size_t> places_;
};

std::uint16_t flags(const DnsMessage& message, bool is_truncated) {
  auto bits = static_cast<unsigned>((message.opcode & 0xf) << 11 | (message.rcode & 0xf));
  if (message.is_response) bits |= response_bit | recursion_offered_bit;
  if (is_truncated) bits |= truncated_bit;
  if (message.wants_recursion) bits |= recursion_wanted_bit;
  return static_cast<std::uint16_t>(bits);
}

// The root, the size for the class, and the upper bits of the rcode for the time to live.
void put_edns(Writer& writer, const DnsMessage& message) {
  writer.put_name({});
  writer.put_u16(dns_type::opt);
  writer.put_u16(*message.edns_size);
  writer.put_u32(std::uint32_t{message.rcode} >> 4 << 24);
  if (!message.error) return writer.put_u16(0);
  const auto text = std::string_view(message.error->text).substr(0, 200);
  writer.put_u16(text.size() + 6);
  writer.put_u16(extended_error_option);
  writer.put_u16(text.size() + 2);
  writer.put_u16(message.error->code);
  writer.put(text);
}

std::string encode(const DnsMessage& message, bool with_records) {
  Writer writer;
  writer.put_u16(message.id);
  writer.put_u16(flags(message, message.is_truncated || !with_records));
  writer.put_u16(message.questions.size());
  writer.put_u16(with_records ? message.answers.size() : 0);
  writer.put_u16(with_records ? message.authority.size() : 0);
  writer.put_u16(message.edns_size ? 1 : 0);
  for (const auto& question : message.questions) {
    writer.put_name(question.name);
    writer.put_u16(question.type);
    writer.put_u16(question.klass);
  }
  for (const auto* section : {&message.answers, &message.authority}) {
    for (const auto& record : *section) {
      if (with_records) writer.put_record(record);
    }
  }
  if (message.edns_size) put_edns(writer, message);
  return writer.take();
}

}  // namespace

bool DnsQuestion::is_like(const DnsQuestion& other) const {
  return type == other.type && klass == other.klass && name.text() == other.name.text();
}

std::optional<netpolicy::IpAddress> DnsRecord::address() const {
  if (klass != dns_class_in || (type != dns_type::a && type != dns_type::aaaa)) return std::nullopt;
  return netpolicy::IpAddress::from_bytes(
      {reinterpret_cast<const std::uint8_t*>(content.data()), content.size()});
}

DnsRecord address_record(const DnsName& owner, const netpolicy::IpAddress& address, std::uint32_t ttl) {
  const auto bytes = address.bytes();
  return {.owner = owner,
          .type = address.is_v4() ? dns_type::a : dns_type::aaaa,
          .ttl = ttl,
          .content = std::string(bytes.begin(), bytes.end())};
}

std::optional<DnsHeader> parse_dns_header(std::string_view bytes) {
  if (bytes.size() < header_size) return std::nullopt;
  Reader reader(bytes);
  const auto id = reader.take_u16();
  const auto bits = reader.take_u16();
  return DnsHeader{.id = *id,
                   .is_response = (*bits & response_bit) != 0,
                   .opcode = static_cast<std::uint8_t>(*bits >> 11 & 0xf),
                   .wants_recursion = (*bits & recursion_wanted_bit) != 0};
}

std::size_t dns_length_in(std::string_view bytes) {
  return static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[0]) << 8 |
                                  static_cast<std::uint8_t>(bytes[1]));
}

Result<DnsMessage> parse_dns_message(std::string_view bytes) {
  if (bytes.size() > longest_dns_message) return broken("it is longer than 65535 bytes");
  Reader reader(bytes);
  DnsMessage message;
  message.id = BOXLITE_TRY(reader.take_u16());
  const auto bits = BOXLITE_TRY(reader.take_u16());
  message.is_response = (bits & response_bit) != 0;
  message.opcode = static_cast<std::uint8_t>(bits >> 11 & 0xf);
  message.is_truncated = (bits & truncated_bit) != 0;
  message.wants_recursion = (bits & recursion_wanted_bit) != 0;
  message.rcode = bits & 0xf;
  const std::size_t questions = BOXLITE_TRY(reader.take_u16());
  const std::size_t answers = BOXLITE_TRY(reader.take_u16());
  const std::size_t authority = BOXLITE_TRY(reader.take_u16());
  const std::size_t additional = BOXLITE_TRY(reader.take_u16());
  if (questions + answers + authority + additional > most_records) return broken("it has too many records");
  for (std::size_t i = 0; i < questions; ++i) message.questions.push_back(BOXLITE_TRY(take_question(reader)));
  BOXLITE_TRY(take_records(reader, answers, message.answers));
  BOXLITE_TRY(take_records(reader, authority, message.authority));
  BOXLITE_TRY(take_additional(reader, additional, message));
  if (!reader.is_at_end()) return broken("something stands behind its end");
  return message;
}

std::string encode(const DnsMessage& message, std::size_t limit) {
  auto bytes = encode(message, true);
  if (bytes.size() <= limit) return bytes;
  return encode(message, false);
}

}  // namespace boxlite::net
