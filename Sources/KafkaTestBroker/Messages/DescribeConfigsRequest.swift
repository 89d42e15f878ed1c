/// The request of `DescribeConfigs`, versions 0 to 4.
struct DescribeConfigsRequest: RequestMessage {
    static let api = APIKey.describeConfigs

    var resources: [Resource]
    var includeSynonyms: Bool = false
    var includeDocumentation: Bool = false

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        resources = try reader.array { (reader) throws(WireError) in
            try Resource(from: &reader, version: version)
        }
        if version >= 1 { includeSynonyms = try reader.bool() }
        if version >= 3 { includeDocumentation = try reader.bool() }
        try reader.tags()
    }

    struct Resource {
        var resourceType: Int8
        var resourceName: String
        var configurationKeys: [String]?

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            resourceType = try reader.int8()
            resourceName = try reader.string()
            configurationKeys = try reader.nullableArray { (reader) throws(WireError) in
                try reader.string()
            }
            try reader.tags()
        }
    }
}
