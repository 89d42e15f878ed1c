/// The response of `DescribeConfigs`, versions 0 to 4.
struct DescribeConfigsResponse: ThrottledResponse {
    var throttleTimeMilliseconds: Int32 = 0
    var results: [Result] = []

    func encode(to writer: inout WireWriter, version: Int16) {
        writer.int32(throttleTimeMilliseconds)
        writer.array(results) { writer, item in item.encode(to: &writer, version: version) }
        writer.tags()
    }

    struct Result {
        var errorCode: KafkaErrorCode = .none
        var errorMessage: String? = nil
        var resourceType: Int8 = 0
        var resourceName: String = ""
        var configs: [ResourceResult] = []

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.error(errorCode)
            writer.string(errorMessage)
            writer.int8(resourceType)
            writer.string(resourceName)
            writer.array(configs) { writer, item in item.encode(to: &writer, version: version) }
            writer.tags()
        }
    }

    struct ResourceResult {
        var name: String = ""
        var value: String? = nil
        var readOnly: Bool = false
        var configSource: Int8 = -1
        var isDefault: Bool = false
        var isSensitive: Bool = false
        var synonyms: [Synonym] = []
        var configType: Int8 = 0
        var documentation: String? = nil

        func encode(to writer: inout WireWriter, version: Int16) {
            writer.string(name)
            writer.string(value)
            writer.bool(readOnly)
            if version >= 1 { writer.int8(configSource) }
            if version == 0 { writer.bool(isDefault) }
            writer.bool(isSensitive)
            if version >= 1 { writer.array(synonyms) { writer, item in item.encode(to: &writer, version: version) } }
            if version >= 3 { writer.int8(configType) }
            if version >= 3 { writer.string(documentation) }
            writer.tags()
        }
    }

    struct Synonym {
        var name: String = ""
        var value: String? = nil
        var source: Int8 = 0

        func encode(to writer: inout WireWriter, version: Int16) {
            if version >= 1 { writer.string(name) }
            if version >= 1 { writer.string(value) }
            if version >= 1 { writer.int8(source) }
            writer.tags()
        }
    }
}
