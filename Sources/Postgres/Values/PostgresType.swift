/// The object ids of the types used here, fixed by PostgreSQL's catalog (`pg_type.dat`).
enum PostgresType {
    /// The type that the statement wants in the parameter's place.
    static let inferred: UInt32 = 0
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let oid: UInt32 = 26
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let date: UInt32 = 1082
    static let timestamp: UInt32 = 1114
    static let timestamptz: UInt32 = 1184
    static let numeric: UInt32 = 1700
    static let uuid: UInt32 = 2950

    /// A type with its name in SQL, and the object id of its arrays.
    private static let known: [UInt32: (name: String, array: UInt32)] = [
        bool: ("boolean", 1000), bytea: ("bytea", 1001), int8: ("bigint", 1016), int2: ("smallint", 1005),
        int4: ("integer", 1007), text: ("text", 1009), oid: ("oid", 1028), float4: ("real", 1021),
        float8: ("double precision", 1022), date: ("date", 1182), timestamp: ("timestamp", 1115),
        timestamptz: ("timestamptz", 1185), numeric: ("numeric", 1231), uuid: ("uuid", 2951),
        19: ("name", 1003), 114: ("json", 199), 1043: ("varchar", 1015), 1083: ("time", 1183),
        1186: ("interval", 1187), 3802: ("jsonb", 3807),
    ]

    /// The array of the element's type; of texts, where the element's type is not known here.
    static func array(of element: UInt32) -> UInt32 {
        known[element]?.array ?? 1009
    }

    /// The type in words, for messages.
    static func name(_ type: UInt32) -> String {
        if let name = known[type]?.name { return name }
        if let element = known.first(where: { $0.value.array == type })?.value.name { return "\(element)[]" }
        return "with object id \(type)"
    }
}
