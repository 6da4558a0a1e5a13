// A NestJS microservice, as its documentation has them.
import 'reflect-metadata'
import { Controller, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import {
  Ctx,
  EventPattern,
  KafkaContext,
  KafkaOptions,
  KafkaRetriableException,
  MessagePattern,
  Payload,
  RpcException,
  Transport,
} from '@nestjs/microservices'

/** What the handlers were called with. */
export const seen: { pattern: string; data: unknown; offset?: string; partition?: number; key?: unknown }[] = []

const topics = JSON.parse(process.env.NEST_TOPICS ?? '{}')

@Controller()
class OrderController {
  private failures = 0

  @MessagePattern(topics.price)
  price(@Payload() order: { count: number }, @Ctx() context: KafkaContext) {
    if (order.count < 0) throw new RpcException('there is no negative order')
    seen.push({ pattern: 'price', data: order, partition: context.getPartition(), key: context.getMessage().key })
    return { total: order.count * 3 }
  }

  @EventPattern(topics.placed)
  async placed(@Payload() order: { id: number }, @Ctx() context: KafkaContext) {
    seen.push({ pattern: 'placed', data: order, offset: context.getMessage().offset })
    await context.getHeartbeat()()
    if (order.id === 2 && this.failures++ === 0) throw new KafkaRetriableException('not ready yet')
  }
}

@Module({ controllers: [OrderController] })
class AppModule {}

export async function start(kafka: KafkaOptions['options']) {
  const app = await NestFactory.createMicroservice(AppModule, {
    transport: Transport.KAFKA,
    options: kafka,
    logger: false,
  })
  await app.listen()
  return app
}
