from setuptools import find_packages, setup

setup(
    name="desk",
    version="1.0",
    packages=find_packages(),
    install_requires=["fastapi>=0.110", "ollama>=0.3,<1"],
    extras_require={"chains": ["langchain-ollama"]},
)
