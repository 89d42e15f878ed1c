extension OffsetFetchRequest.Group {
    /// What a request before version 8 asks, in the later form.
    init(groupID: String, topics: [OffsetFetchRequest.Topics]?) {
        self.groupID = groupID
        self.topics = topics
    }
}

extension OffsetFetchRequest.Topics {
    init(name: String, partitionIndexes: [Int32]) {
        self.name = name
        self.partitionIndexes = partitionIndexes
    }
}
