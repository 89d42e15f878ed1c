/// The request of `IncrementalAlterConfigs`, versions 0 to 1.
struct IncrementalAlterConfigsRequest: RequestMessage {
    static let api = APIKey.incrementalAlterConfigs

    var resources: [AlterConfigsResource]
    var validateOnly: Bool

    init(from reader: inout WireReader, version: Int16) throws(WireError) {
        resources = try reader.array { (reader) throws(WireError) in
            try AlterConfigsResource(from: &reader, version: version)
        }
        validateOnly = try reader.bool()
        try reader.tags()
    }

    struct AlterConfigsResource {
        var resourceType: Int8
        var resourceName: String
        var configs: [AlterableConfig]

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            resourceType = try reader.int8()
            resourceName = try reader.string()
            configs = try reader.array { (reader) throws(WireError) in
                try AlterableConfig(from: &reader, version: version)
            }
            try reader.tags()
        }
    }

    struct AlterableConfig {
        var name: String
        var configOperation: Int8
        var value: String?

        init(from reader: inout WireReader, version: Int16) throws(WireError) {
            name = try reader.string()
            configOperation = try reader.int8()
            value = try reader.nullableString()
            try reader.tags()
        }
    }
}
