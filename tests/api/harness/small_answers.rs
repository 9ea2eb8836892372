//! Answers to queries with a few items each, as if the items were very large.

use aws_sdk_dynamodb::{
    Client,
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::BeforeSerializationInterceptorContextMut,
    },
    error::BoxError,
    operation::query::QueryInput,
};

/// The same client, but an answer to a query has at most this many items.
pub fn with_small_answers(client: &Client, items: i32) -> Client {
    let config = client.config().to_builder().interceptor(SmallAnswers { items });
    Client::from_conf(config.build())
}

#[derive(Debug)]
struct SmallAnswers {
    items: i32,
}

impl Intercept for SmallAnswers {
    fn name(&self) -> &'static str {
        "SmallAnswers"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(query) = context.input_mut().downcast_mut::<QueryInput>() {
            query.limit = Some(self.items);
        }
        Ok(())
    }
}
