// An enum of texts can be a parameter and be read once it says so:
//
//     enum Colour: String, PostgresEncodable, PostgresDecodable { case red, green }

extension PostgresEncodable where Self: RawRepresentable, RawValue == String {
    /// What the statement wants in the value's place: a text, or a type made by `CREATE TYPE … AS ENUM`.
    public static var postgresType: UInt32 { PostgresType.inferred }

    /// The raw value, UTF-8.
    public func encode(into bytes: inout [UInt8]) -> Bool {
        bytes.append(contentsOf: rawValue.utf8)
        return true
    }
}

extension PostgresDecodable where Self: RawRepresentable, RawValue == String {
    /// From a text or a type made by `CREATE TYPE … AS ENUM`; `nil` if no case has the value.
    public static func decode(_ bytes: RawSpan, type: UInt32) -> Self? {
        // Types that are not PostgreSQL's own begin there. The binary form of an enum is its text.
        let isOwn = type >= 16384
        return String.decode(bytes, type: isOwn ? PostgresType.text : type).flatMap(Self.init(rawValue:))
    }
}
