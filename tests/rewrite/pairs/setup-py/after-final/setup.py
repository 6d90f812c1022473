from setuptools import find_packages, setup

setup(
    name="desk",
    version="1.0",
    packages=find_packages(),
    install_requires=["fastapi>=0.110", "openai>=3.54"],
    extras_require={"chains": ["langchain-openai"]},
)
