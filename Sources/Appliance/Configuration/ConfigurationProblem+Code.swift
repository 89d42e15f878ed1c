extension ConfigurationProblem {
    /// What kind of problem it is, for programs: a code keeps its name and meaning from version to version.
    package enum Code: String, Sendable, CaseIterable {
        case fileUnreadable = "file-unreadable"
        case yamlSyntax = "yaml-syntax"
        case unknownKey = "unknown-key"
        case missing = "missing"
        case value = "value"
        case conflict = "conflict"
        case consumerName = "consumer-name"
        case sourceName = "source-name"
        case secretFile = "secret-file"
        case lineBreak = "line-break"
        case databaseURL = "database-url"
        case bootstrapServers = "bootstrap-servers"
        case propertyFixed = "property-fixed"
        case property = "property"
        case tokenURL = "token-url"
        case adminAddress = "admin-address"
        case adminToken = "admin-token"
        case topic = "topic"
        case topicNotAllowed = "topic-not-allowed"
        case deadLetterTopic = "dead-letter-topic"
        case progressTopic = "progress-topic"
        case header = "header"
        case key = "key"
        case projection = "projection"
        case kafkaFile = "kafka-file"

        case unknownVariable = "unknown-variable"
        case lineEnd = "line-end"
        case secretSpace = "secret-space"
        case bootstrapRepeated = "bootstrap-repeated"
        case brokersUnverified = "brokers-unverified"
        case passwordInClear = "password-in-clear"
        case topicPartlyNotAllowed = "topic-partly-not-allowed"
        case patternUnused = "pattern-unused"
        case deadLettersMixed = "dead-letters-mixed"
        case headerRepeated = "header-repeated"
        case headerPrefixUnused = "header-prefix-unused"
        case keySpread = "key-spread"
        case revealed = "revealed"
        case tombstoneFiltered = "tombstone-filtered"
        case saslUnused = "sasl-unused"
        case topicsCollide = "topics-collide"

        package var level: Level { kind.level }
        /// When it is reported, as a sentence.
        package var meaning: String { kind.meaning }
        /// What corrects it, in general.
        package var fix: String { kind.fix }

        private var kind: (level: Level, meaning: String, fix: String) {
            switch self {
            case .fileUnreadable:
                (.error, "The file cannot be read, or is not UTF-8 text.", "name a file that this user may read")
            case .yamlSyntax:
                (
                    .error, "The file is not YAML.",
                    "correct the line; indent with spaces, quote texts with special characters"
                )
            case .unknownKey: (.error, "No such key.", "correct its name, see `godwit config reference`")
            case .missing: (.error, "A required key is not given.", "set it in the file or in the environment")
            case .value: (.error, "The key does not take this value.", "write a value that the message names")
            case .conflict: (.error, "Two keys contradict each other.", "remove one of them")
            case .consumerName:
                (.error, "A consumer's name is not usable, or too like another one.", "rename the consumer")
            case .sourceName:
                (
                    .error, "A source's name is not usable, too like another one, or none of \"sources\".",
                    "correct the name"
                )
            case .secretFile:
                (.error, "The file of a secret cannot be read, or is empty.", "correct the path or the file")
            case .lineBreak:
                (
                    .error, "A value holds a line break or a NUL character.",
                    "write it as one line; at its end a line break is taken off"
                )
            case .databaseURL:
                (
                    .error, "The connection string is not valid, or is not read as it was meant.",
                    "percent-encode special characters, or give `database.password` apart"
                )
            case .bootstrapServers:
                (.error, "An address of a broker is not usable.", "write host:port, separated by commas")
            case .propertyFixed: (.error, "A Kafka property would break what Godwit promises.", "remove the property")
            case .property:
                (.error, "A Kafka property or its value is not known.", "write the value that the message names")
            case .tokenURL:
                (
                    .error, "The address of the token endpoint is not usable.",
                    "use https without a user or password in the URL"
                )
            case .adminAddress: (.error, "The address of the admin port is not usable.", "write 127.0.0.1:9464")
            case .adminToken:
                (
                    .error, "The admin port is open to other machines and has no token.",
                    "set `admin.token_file`, or listen on 127.0.0.1"
                )
            case .topic: (.error, "A topic is not usable.", "use letters, digits, `.`, `_`, `-` and the known fields")
            case .topicNotAllowed:
                (
                    .error, "No topic that the consumer can choose matches `topics_allowed`.",
                    "correct the topic, or add a pattern to `topics_allowed`"
                )
            case .progressTopic:
                (
                    .error, "The progress topic of a consumer has no usable name, or is used for something else too.",
                    "give it a topic of its own"
                )
            case .deadLetterTopic:
                (
                    .error, "The dead-letter topic is missing, not usable, or receives a consumer's events too.",
                    "give the dead letters a topic of their own"
                )
            case .header:
                (.error, "A header's name is reserved or not usable.", "remove it from the list, or rename it")
            case .key:
                (
                    .error, "A key or a partition is not usable, or breaks the order of every aggregate.",
                    "use what all events of an aggregate have in common"
                )
            case .projection:
                (
                    .error, "A step that reduces the value is not usable, or contradicts another one.",
                    "remove one of the two, or correct the place"
                )
            case .kafkaFile:
                (
                    .error, "A file with a certificate or key for Kafka is absent, or this user may not read it.",
                    "correct the path, mount the file, or let this user read it"
                )
            case .unknownVariable:
                (.warning, "A variable that begins with GODWIT_ is not known and not used.", "correct or unset it")
            case .lineEnd:
                (
                    .warning, "A value ends in a line break, which is taken off.",
                    "store it without one"
                )
            case .secretSpace:
                (
                    .warning, "A secret begins or ends with a space or tab, which is part of it.",
                    "remove it if it is not meant"
                )
            case .bootstrapRepeated: (.warning, "A broker is named twice.", "remove one")
            case .brokersUnverified:
                (
                    .warning, "Certificates or host names of brokers are not verified: any server can pose as one.",
                    "remove the property, and name the authority by `kafka.tls.ca_file`"
                )
            case .passwordInClear:
                (.warning, "The password for Kafka is sent without encryption.", "set `kafka.tls.enabled: true`")
            case .topicPartlyNotAllowed:
                (
                    .warning, "Some events of the consumer lead to a topic that `topics_allowed` does not have.",
                    "add a pattern to `topics_allowed`, or narrow the consumer's scope"
                )
            case .patternUnused:
                (.warning, "A pattern that no topic's name can match.", "correct or remove the pattern")
            case .deadLettersMixed:
                (
                    .warning, "An event can lead to a topic that also receives dead letters.",
                    "bound the template with `topics_allowed`, or rename the dead-letter topic"
                )
            case .headerRepeated: (.warning, "A header is named twice.", "remove one")
            case .headerPrefixUnused:
                (
                    .warning, "`header_prefix` is given, and the names of CloudEvents attributes have no prefix.",
                    "remove it"
                )
            case .keySpread:
                (
                    .warning, "Events of one aggregate may get several keys or partitions, and lose their order then.",
                    "use what all events of an aggregate have in common, or see to it that the writers do"
                )
            case .tombstoneFiltered:
                (
                    .warning, "The consumer's filter passes over events that should become tombstones.",
                    "have the writers put the place into such events, or take the type out of the filter"
                )
            case .revealed:
                (
                    .warning, "What `value` conceals is in the key, a header or another part of the record as well.",
                    "take that part from another place, or have it in the value too"
                )
            case .saslUnused:
                (
                    .warning, "A SASL property is set, and the protocol does not use SASL: no broker is logged in at.",
                    "set `kafka.sasl`, or `security.protocol` to `sasl_ssl`"
                )
            case .topicsCollide:
                (
                    .warning, "Two topics differ only in `.` and `_`: brokers refuse to create the second one.",
                    "rename one of them"
                )
            }
        }

        /// The table of the documentation, in Markdown.
        package static var markdown: String {
            allCases.reduce("| code | level | when | fix |\n|---|---|---|---|\n") { text, code in
                text + "| `\(code.rawValue)` | \(code.level.rawValue) | \(code.meaning) | \(code.fix) |\n"
            }
        }
    }
}
