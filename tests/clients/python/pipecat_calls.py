"""Pipecat's OpenAILLMService in a pipeline, pointed at the gateway."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pipecat.adapters.schemas.function_schema import FunctionSchema
from pipecat.adapters.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMTextFrame,
)
from pipecat.observers.base_observer import BaseObserver, FramePushed
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.llm_service import FunctionCallParams
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.workers.runner import WorkerRunner

from scenario import BASE_URL, KEY, MODEL, RESULT, play, task_id

WEATHER = FunctionSchema(
    name="get_weather",
    description="The weather in a city.",
    properties={"city": {"type": "string"}},
    required=["city"],
)
BOOKING = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "guests": {"type": "integer"}},
    "required": ["name", "guests"],
    "additionalProperties": False,
}


class Frames(BaseObserver):
    """The frames that one processor pushes, in order."""

    def __init__(self, source: OpenAILLMService) -> None:
        super().__init__()
        self.queue: asyncio.Queue[Frame] = asyncio.Queue()
        self._source = source

    async def on_push_frame(self, data: FramePushed) -> None:
        """Keep what the processor pushes."""
        if data.source is self._source:
            self.queue.put_nowait(data.frame)

    async def texts(self) -> AsyncGenerator[str]:
        """The text of one response until its end; raises the error that it ended with."""
        while not isinstance(frame := await self.queue.get(), LLMFullResponseEndFrame):
            if isinstance(frame, LLMTextFrame):
                yield frame.text
            elif isinstance(frame, ErrorFrame):
                raise frame.exception or RuntimeError(frame.error)


def service(scenario: str, model: str = MODEL, key: str = KEY) -> OpenAILLMService:
    """The service, as a bot's pipeline gets it."""
    settings = OpenAILLMService.Settings(model=model)
    headers = task_id(scenario)
    return OpenAILLMService(base_url=BASE_URL, api_key=key, default_headers=headers, settings=settings)


def question(text: str, *tools: FunctionSchema) -> LLMContext:
    """A context with one user message."""
    context = LLMContext([{"role": "user", "content": text}])
    if tools:
        context.set_tools(ToolsSchema(list(tools)))
    return context


@asynccontextmanager
async def running(llm: OpenAILLMService, context: LLMContext) -> AsyncIterator[Frames]:
    """A pipeline that answers the context; a response that is not at its end is interrupted."""
    frames = Frames(llm)
    aggregators = LLMContextAggregatorPair(context)
    worker = PipelineWorker(
        Pipeline([aggregators.user(), llm, aggregators.assistant()]), observers=[frames], enable_rtvi=False
    )
    started = asyncio.Event()
    worker.add_event_handler("on_pipeline_started", lambda _worker, _frame: started.set())
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running_task = asyncio.create_task(runner.run())
    try:
        await started.wait()
        await worker.queue_frame(LLMContextFrame(context))
        yield frames
    finally:
        await worker.queue_frames([InterruptionFrame(), EndFrame()])
        await running_task


async def speak(scenario: str, model: str, key: str) -> AsyncGenerator[str]:
    """Text, streamed."""
    async with running(service(scenario, model, key), question(scenario)) as frames:
        async for text in frames.texts():
            yield text


async def act(scenario: str, model: str) -> dict[str, Any]:
    """Tool calls, their results, and the answer to them."""
    llm, calls = service(scenario, model), []

    async def get_weather(params: FunctionCallParams) -> None:
        calls.append({"name": params.function_name, "arguments": dict(params.arguments)})
        await params.result_callback(f"{RESULT} in {params.arguments['city']}")

    llm.register_function("get_weather", get_weather)
    async with running(llm, question(scenario, WEATHER)) as frames:
        silent = [text async for text in frames.texts()]
        spoken = [text async for text in frames.texts()]
    return {"calls": calls, "text": "".join(silent + spoken)}


async def structured() -> dict[str, Any]:
    """An answer that follows a schema."""
    text = await service("structured").run_inference(question("structured"), response_schema=BOOKING)
    return {"value": json.loads(text or "null")}


if __name__ == "__main__":
    asyncio.run(play(speak, act, structured))
